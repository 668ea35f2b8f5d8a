/* Locks: none; of the threads that come by when it is due, one takes the word. Allocation: none of its own. Keeps errno
 * as far as the work does. */
#include "alloc/later.h"

#include <stddef.h>

#include "alloc/caller.h"
#include "base/os.h"

_Atomic(void (*)(void)) later_work;
static _Atomic int64_t due_at;

/* A thread looks at the clock every so many times, until it is nearly due. */
#define SOON_NANOSECONDS ((int64_t)250000000)
enum { PASSES_BETWEEN = 15 };

void later_arm(void (*work)(void), int64_t due) {
    atomic_store_relaxed(&due_at, due);
    atomic_store_release(&later_work, work);
}

void later_disarm(void) { atomic_store_release(&later_work, NULL); }

void later_poll_armed(const void *caller, bool is_exact) {
    static _Thread_local uint8_t passes_to_skip;
    if (passes_to_skip) {
        passes_to_skip--;
        return;
    }
    int64_t left = atomic_load_relaxed(&due_at) - os_coarse_now();
    passes_to_skip = left > SOON_NANOSECONDS ? PASSES_BETWEEN : 0;
    if (left > 0 || !(is_exact || caller_knows_own()) || !caller_may_start_thread(caller))
        return;
    void (*work)(void) = atomic_swap_acq_rel(&later_work, NULL);
    if (work)
        work();
}
