/* Which memory of a stack a walk may read. A window is a range of addresses that is known to be readable; a
 * thread's own stack is known from one capture to the next, any other (a fiber's, a signal's) only for one walk. */
#ifndef HEAPTAP_PROFILER_STACK_WINDOW_H
#define HEAPTAP_PROFILER_STACK_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/check.h"

struct stack_window {
    uintptr_t low, limit; /* readable */
    uintptr_t floor;      /* nothing is read below: where the walk began */
    bool is_own;          /* of the thread's own stack: there is nothing to read beyond the limit */
};

/* Where the main thread's stack ends. At start. */
void stack_window_start(void);

/* What this thread knows of its stack: [limit - size, limit) can be read. */
struct stack_window_known {
    uintptr_t limit, size;
};
extern HIDDEN _Thread_local struct stack_window_known stack_window_known;

/* Whether all that lies above `sp` in its stack is known to be readable. */
static inline bool stack_window_is_known(uintptr_t sp) {
    return stack_window_known.limit - sp - 1 < stack_window_known.size;
}

/* The window of the stack that `sp` is in. It may be empty. May run inside malloc and in a signal handler. */
struct stack_window stack_window_at(uintptr_t sp);

/* Moves or extends the window to the page of `address`, where that can be read. */
bool stack_window_extend(struct stack_window *window, uintptr_t address);

/* Whether the aligned word at `address` may be read. */
static inline bool stack_window_holds(struct stack_window *window, uintptr_t address) {
    return LIKELY(address - window->low < window->limit - window->low) || stack_window_extend(window, address);
}

#endif
