/* What the ways of unwinding share: the cut, the choice, and a door before the way that takes locks.
 *
 * capture, where the way takes none: unwind; cut our own frames off the leaf end.
 * capture by libunwind:
 *   1. refuse where this thread is inside already: its unwinder's state is half changed;
 *   2. go through the door: count in; where a fork has closed it count out again and wait for the fork to
 * end, as every thread does then at the allocator's locks. The forking thread itself walks through;
 *   3. unwind, unless another thread is unloading a library: what libunwind remembers may be of it; meanwhile this
 * thread never takes the loader's lock (profiler/loader.h);
 *   4. count out; cut our own frames off the leaf end.
 *
 * Locks: none; the door is two atomics. Allocation: none here; libunwind maps pages and may call malloc,
 * which serves it without sampling. errno is kept by the caller. */
#include "profiler/unwinder.h"

#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/check.h"
#include "base/os.h"
#include "profiler/loader.h"
#include "profiler/unwinder_eh.h"
#include "profiler/unwinder_fp.h"
#include "profiler/unwinder_libunwind.h"

enum { FORK_WAIT_NANOSECONDS = 500 * 1000 * 1000 };
#define DOOR_WAIT_NANOSECONDS INT64_C(5000000000)

/* Written at start and in the child of fork, when no thread is inside. */
static unwinder_way way = unwinder_fp_capture;
static const char *way_name = "fp";
static bool has_door; /* the way takes locks */
uintptr_t unwinder_own_start, unwinder_own_limit;
bool unwinder_steps_out;
static bool started;

static _Atomic uint32_t inside; /* threads between the door's two sides */
static _Atomic uint32_t closed; /* 1 while a fork goes on; a futex */
static _Atomic uint64_t dropped;
static bool left_inside; /* the last fork_prepare gave up waiting */
static _Thread_local bool is_inside;
static _Thread_local bool is_forking; /* this thread closed the door */

void unwinder_set_own_code(uintptr_t start, uintptr_t limit) {
    unwinder_own_start = start;
    unwinder_own_limit = limit;
}

bool unwinder_trims(void) { return unwinder_own_limit != 0; }
const char *unwinder_name(void) { return way_name; }
uint64_t unwinder_dropped(void) { return atomic_load_relaxed(&dropped); }

struct own_search {
    uintptr_t address;
    bool is_first; /* the first object that the loader names is the program */
};

static int find_own_code(struct dl_phdr_info *info, size_t size, void *data) {
    struct own_search *search = data;
    (void)size;
    for (size_t i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        uintptr_t start = info->dlpi_addr + segment->p_vaddr;
        if (segment->p_type != PT_LOAD || search->address - start >= segment->p_memsz)
            continue;
        if (!search->is_first) {
            unwinder_set_own_code(start, start + segment->p_memsz);
            unwinder_eh_set_own_code(start, start + segment->p_memsz);
        }
        return 1;
    }
    search->is_first = false;
    return 0;
}

bool unwinder_start(enum options_unwinder choice) {
    if (started)
        return true;
    started = true;
    struct own_search search = {(uintptr_t)&unwinder_start, true};
    loader_visit_objects(find_own_code, &search);
    if (choice == OPTIONS_UNWINDER_FP)
        return true;
    if (choice != OPTIONS_UNWINDER_LIBUNWIND && unwinder_eh_start()) {
        way_name = "eh";
        way = unwinder_eh_capture;
        struct unwind_rule rule;
        unwinder_steps_out = unwinder_own_limit != 0 && unwind_frame_of_ours(&rule);
        return true;
    }
    if (!unwinder_libunwind_load())
        return choice == OPTIONS_UNWINDER_AUTO;
    way_name = "libunwind";
    has_door = true;
    way = unwinder_libunwind_capture;
    return true;
}

void unwinder_forget(void) {
    unwinder_eh_forget();
    if (way == unwinder_libunwind_capture)
        unwinder_libunwind_forget();
}

uint64_t unwinder_cut(void) { return unwinder_eh_cut(); }

/* Sleeps while the door is closed; false when it stays closed for longer than a fork can take. */
static bool wait_for_door(void) {
    static const struct timespec patience = {.tv_nsec = 100000000};
    int64_t give_up = os_now() + DOOR_WAIT_NANOSECONDS;
    while (atomic_load_seq_cst(&closed)) {
        if (os_now() >= give_up)
            return false;
        syscall(SYS_futex, &closed, FUTEX_WAIT_PRIVATE, 1, &patience, NULL, 0);
    }
    return true;
}

static void open_door(void) {
    is_forking = false;
    atomic_store_seq_cst(&closed, 0);
    syscall(SYS_futex, &closed, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

static bool enter(void) {
    if (is_inside || (is_forking && left_inside))
        return false;
    for (;;) {
        atomic_add_seq_cst(&inside, 1);
        if (LIKELY(!atomic_load_seq_cst(&closed)) || is_forking)
            break;
        atomic_sub_seq_cst(&inside, 1);
        if (!wait_for_door())
            return false;
    }
    is_inside = true;
    return true;
}

static void leave(void) {
    is_inside = false;
    atomic_sub_acq_rel(&inside, 1);
}

static size_t capture_behind_door(uintptr_t *frames, size_t room) {
    if (UNLIKELY(!enter()))
        return 0;
    loader_must_not_wait(true);
    size_t count = loader_is_unloading_elsewhere() ? 0 : way(frames, room);
    loader_must_not_wait(false);
    leave();
    return count;
}

bool unwinder_capture(uintptr_t *buffer, size_t depth, struct unwinder_stack *stack) {
    size_t all, own = 0;
    all = has_door ? capture_behind_door(buffer, depth + UNWINDER_SLACK) : way(buffer, depth + UNWINDER_SLACK);
    if (UNLIKELY(!all)) {
        atomic_add_relaxed(&dropped, 1);
        return false;
    }
    while (own < all && buffer[own] - unwinder_own_start < unwinder_own_limit - unwinder_own_start)
        own++;
    stack->frames = buffer + own;
    stack->count = all - own < depth ? all - own : depth;
    return true;
}

bool unwinder_capture_from(const struct unwind_registers *caller, uintptr_t *buffer, size_t depth,
                           struct unwinder_stack *stack, struct unwind_trace *trace) {
    stack->frames = buffer;
    stack->count = unwinder_eh_trace(caller, buffer, depth, trace);
    if (UNLIKELY(!stack->count))
        atomic_add_relaxed(&dropped, 1);
    return stack->count != 0;
}

void unwinder_fork_prepare(void) {
    int64_t give_up = os_now() + FORK_WAIT_NANOSECONDS;
    uint32_t self = is_inside;
    is_forking = true;
    atomic_store_seq_cst(&closed, 1);
    while (atomic_load_seq_cst(&inside) > self && os_now() < give_up)
        sched_yield();
    left_inside = atomic_load_seq_cst(&inside) > self;
}

void unwinder_fork_parent(void) {
    left_inside = false;
    open_door();
}

void unwinder_fork_child(void) {
    loader_fork_child();
    atomic_store_relaxed(&inside, is_inside);
    if (left_inside) {
        way = unwinder_fp_capture;
        way_name = "fp";
        has_door = false;
    }
    left_inside = false;
    open_door();
}
