/* One thing to be done once the process has lived for a while, by the first free or allocation after that which may
 * start a thread (alloc/caller.h). So a program that ends soon never sees it, and nothing waits for the time to come:
 * no timer, no thread. A process that rests, or keeps to the fast paths, does not get to it before it does something
 * else.
 *
 * Until it is done, slow paths read the kernel's coarse clock now and then; afterwards they read one word. */
#ifndef HEAPTAP_ALLOC_LATER_H
#define HEAPTAP_ALLOC_LATER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/atomic.h"
#include "base/check.h"

extern HIDDEN _Atomic(void (*)(void)) later_work; /* NULL: nothing to do */

/* Arms it: `work` is called once, when the monotonic clock shows `due` or later, on the thread that frees and with no
 * lock held. */
void later_arm(void (*work)(void), int64_t due);
void later_disarm(void);

void later_poll_armed(const void *caller, bool is_exact);

/* After a free; `caller` as in alloc/caller.h. */
static inline void later_poll(const void *caller) {
    if (UNLIKELY(caller && atomic_load_relaxed(&later_work)))
        later_poll_armed(caller, true);
}

/* Before an allocation begins. `caller` is where the function that asks returns to: the program, or code of ours. */
static inline void later_poll_near(const void *caller) {
    if (UNLIKELY(atomic_load_relaxed(&later_work)))
        later_poll_armed(caller, false);
}

#endif
