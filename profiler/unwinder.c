/* What every way of unwinding shares: the door, the cut, and the choice.
 *
 * capture:
 *   1. refuse where this thread is inside already: its unwinder's state is half changed;
 *   2. go through the door: count in, and out again where a fork has closed it;
 *   3. unwind; meanwhile the loader answers this thread without its lock (profiler/loader.h);
 *   4. count out; cut our own frames off the leaf end.
 *
 * Locks: none; the door is two atomics. Allocation: none here; libunwind maps pages and may call malloc, which serves it
 * without sampling. errno is kept by the caller. */
#include "profiler/unwinder.h"

#include <sched.h>
#include <string.h>

#include "base/atomic.h"
#include "base/check.h"
#include "base/os.h"
#include "profiler/loader.h"
#include "profiler/unwinder_fp.h"
#include "profiler/unwinder_libunwind.h"

enum { FORK_WAIT_NANOSECONDS = 500 * 1000 * 1000 };

/* Written at start and in the child of fork, when no thread is inside. */
static unwinder_way way = unwinder_fp_capture;
static const char *way_name = "fp";
static uintptr_t own_start, own_limit;
static bool started;

static _Atomic uint32_t inside; /* threads between the door's two sides */
static _Atomic bool closed;
static _Atomic uint64_t dropped;
static bool left_inside; /* the last fork_prepare gave up waiting */
static _Thread_local bool is_inside;

void unwinder_set_own_code(uintptr_t start, uintptr_t limit) {
    own_start = start;
    own_limit = limit;
}

bool unwinder_trims(void) { return own_limit != 0; }
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
        if (!search->is_first)
            unwinder_set_own_code(start, start + segment->p_memsz);
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
    if (!unwinder_libunwind_load())
        return choice == OPTIONS_UNWINDER_AUTO;
    way_name = "libunwind";
    way = unwinder_libunwind_capture;
    return true;
}

void unwinder_forget(void) {
    if (way == unwinder_libunwind_capture)
        unwinder_libunwind_forget();
}

static bool enter(void) {
    if (is_inside || atomic_load_relaxed(&closed))
        return false;
    atomic_add_seq_cst(&inside, 1);
    if (UNLIKELY(atomic_load_seq_cst(&closed))) {
        atomic_sub_seq_cst(&inside, 1);
        return false;
    }
    is_inside = true;
    return true;
}

static void leave(void) {
    is_inside = false;
    atomic_sub_acq_rel(&inside, 1);
}

static size_t cut_own_frames(uintptr_t *frames, size_t count) {
    size_t own = 0;
    while (own < count && frames[own] - own_start < own_limit - own_start)
        own++;
    if (own)
        memmove(frames, frames + own, (count - own) * sizeof *frames);
    return count - own;
}

bool unwinder_capture(uintptr_t *frames, size_t depth, size_t *count) {
    if (UNLIKELY(!enter())) {
        atomic_add_relaxed(&dropped, 1);
        return false;
    }
    loader_answer_privately(true);
    size_t all = way(frames, depth + UNWINDER_SLACK);
    loader_answer_privately(false);
    leave();
    size_t kept = cut_own_frames(frames, all);
    *count = kept < depth ? kept : depth;
    return true;
}

void unwinder_fork_prepare(void) {
    int64_t give_up = os_now() + FORK_WAIT_NANOSECONDS;
    atomic_store_seq_cst(&closed, true);
    uint32_t self = is_inside;
    while (atomic_load_seq_cst(&inside) > self && os_now() < give_up)
        sched_yield();
    left_inside = atomic_load_seq_cst(&inside) > self;
}

void unwinder_fork_parent(void) { atomic_store_seq_cst(&closed, false); }

void unwinder_fork_child(void) {
    atomic_store_relaxed(&inside, is_inside);
    if (left_inside) {
        way = unwinder_fp_capture;
        way_name = "fp";
    }
    atomic_store_seq_cst(&closed, false);
}
