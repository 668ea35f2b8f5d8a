/* unw_backtrace remembers per address how the frame is laid out, in a table of the thread's own, and is about
 * a hundred times faster than stepping with unw_step (docs/unwinding.md has the figures). The table has no
 * entry point that empties it, so after a library was unloaded, a thread that unwound before is unwound by
 * steps from then on: the cache behind these can be flushed. Threads that unwind for the first time later are
 * fast again.
 *
 * capture: 1. a thread's first capture notes the generation.  2. while it is still that one,
 * unw_backtrace.  3. else steps.
 *
 * Locks: libunwind's own, with signals blocked. Allocation: libunwind maps pages; malloc where the thread's
 * storage of the library is made. errno is changed. */
#define UNW_LOCAL_ONLY
#include "profiler/unwinder_libunwind.h"

#include <dlfcn.h>
#include <libunwind.h>

#include "base/atomic.h"
#include "base/check.h"
#include "profiler/import_table.h"
#include "profiler/loader.h"
#include "profiler/memory_check.h"

#define TEXT_OF(x) #x
#define NAME_OF(x) TEXT_OF(x)

static int (*backtrace_all)(void **buffer, int size);
static int (*init_local)(unw_cursor_t *cursor, unw_context_t *context);
static int (*step)(unw_cursor_t *cursor);
static int (*get_reg)(unw_cursor_t *cursor, unw_regnum_t reg, unw_word_t *value);
static void (*flush_cache)(unw_addr_space_t space, unw_word_t low, unw_word_t high);
static unw_addr_space_t *local_space;

#if defined(__x86_64__)
static int (*get_context)(unw_context_t *context);
#define CAPTURE_CONTEXT(context) get_context(context)
#else
#define CAPTURE_CONTEXT(context) unw_getcontext(context)
#endif

/* Counts unloads, from 1. */
static _Atomic uint32_t generation = 1;
static _Thread_local uint32_t first_generation; /* of this thread's first capture; 0 = none yet */

static bool find_functions(void *library) {
    *(void **)&backtrace_all = dlsym(library, "unw_backtrace");
    *(void **)&init_local = dlsym(library, NAME_OF(unw_init_local));
    *(void **)&step = dlsym(library, NAME_OF(unw_step));
    *(void **)&get_reg = dlsym(library, NAME_OF(unw_get_reg));
    *(void **)&flush_cache = dlsym(library, NAME_OF(unw_flush_cache));
    local_space = dlsym(library, NAME_OF(unw_local_addr_space));
#if defined(__x86_64__)
    *(void **)&get_context = dlsym(library, NAME_OF(unw_tdep_getcontext));
    if (!get_context)
        return false;
#endif
    return backtrace_all && init_local && step && get_reg && flush_cache && local_space;
}

static __attribute__((noinline)) size_t capture_by_steps(uintptr_t *frames, size_t room) {
    unw_context_t context;
    unw_cursor_t cursor;
    size_t count = 0;
    CAPTURE_CONTEXT(&context);
    if (init_local(&cursor, &context) < 0)
        return 0;
    while (count < room && step(&cursor) > 0) {
        unw_word_t address;
        if (get_reg(&cursor, UNW_REG_IP, &address) < 0 || address == 0)
            break;
        frames[count++] = address;
    }
    return count;
}

/* An unwinder that never asks loader_answer would take the loader's lock inside malloc one day. */
static bool works_as_expected(void) {
    uintptr_t frames[4];
    uint64_t before = loader_answers();
    loader_must_not_wait(true);
    size_t count = capture_by_steps(frames, sizeof frames / sizeof *frames);
    loader_must_not_wait(false);
    return count > 1 && loader_answers() > before;
}

bool unwinder_libunwind_load(void) {
    if (backtrace_all)
        return true;
    void *library = dlopen("libunwind.so.8", RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return false;
    memory_check_install(library);
    if (import_table_replace(library, "dl_iterate_phdr", (void *)(uintptr_t)loader_answer) && find_functions(library) &&
        works_as_expected())
        return true;
    backtrace_all = NULL; /* it stays loaded: the program may have it too */
    return false;
}

__attribute__((noinline)) size_t unwinder_libunwind_capture(uintptr_t *frames, size_t room) {
    uint32_t now = atomic_load_acquire(&generation);
    if (UNLIKELY(!first_generation))
        first_generation = now;
    if (UNLIKELY(first_generation != now))
        return capture_by_steps(frames, room);
    int count = backtrace_all((void **)frames, (int)room);
    return count > 0 ? (size_t)count : 0;
}

void unwinder_libunwind_forget(void) {
    flush_cache(*local_space, 0, 0);
    atomic_add_acq_rel(&generation, 1);
}
