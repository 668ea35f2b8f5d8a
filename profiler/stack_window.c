/* glibc puts a thread's control block at the upper end of its stack; the main thread's stack ends at what the
 * kernel put there, to which the auxiliary vector points. From the stack pointer up to there all is readable: but
 * only if the stack pointer is on that stack and not on one that happens to lie below. So the pages between
 * are asked of the kernel once, and the thread remembers how many; a deeper stack asks about the pages that
 * are new. Where one cannot be read, or there are too many, it is another stack: its pages are asked about one
 * by one, and forgotten after the walk, since the memory may go.
 *
 * Locks: none. Allocation: none. errno is changed. */
#include "profiler/stack_window.h"

#include <sys/auxv.h>
#include <unistd.h>

#include "base/bits.h"
#include "profiler/probe.h"

enum { SMALLEST_PAGE = 4096, FARTHEST = 64 * SMALLEST_PAGE };

static uintptr_t main_limit; /* of the main thread's stack; written at start */

/* A signal may come between any two writes: the limit is written once, while the size is 0. */
_Thread_local struct stack_window_known stack_window_known;

void stack_window_start(void) { main_limit = align_down(getauxval(AT_RANDOM), sizeof(uintptr_t)); }

/* Whether `sp` is on the thread's own stack; if so, that is known from now on. */
static bool learn(uintptr_t sp) {
    if (!stack_window_known.limit)
        stack_window_known.limit = gettid() == getpid() ? main_limit : (uintptr_t)__builtin_thread_pointer();
    uintptr_t proven = stack_window_known.limit - stack_window_known.size;
    if (sp >= proven || proven - sp > FARTHEST)
        return false;
    uintptr_t low = align_down(sp, SMALLEST_PAGE);
    for (uintptr_t page = low; page < proven; page += SMALLEST_PAGE) {
        if (!probe_can_read(page))
            return false;
    }
    stack_window_known.size = stack_window_known.limit - low;
    return true;
}

struct stack_window stack_window_at(uintptr_t sp) {
    if (LIKELY(stack_window_is_known(sp)) || learn(sp))
        return (struct stack_window){.low = sp, .limit = stack_window_known.limit, .floor = sp, .is_own = true};
    return (struct stack_window){.low = sp, .limit = sp, .floor = sp};
}

bool stack_window_extend(struct stack_window *window, uintptr_t address) {
    uintptr_t page = align_down(address, SMALLEST_PAGE);
    if (window->is_own || address < window->floor || !probe_can_read(page))
        return false;
    if (page != window->limit)
        window->low = page > window->floor ? page : window->floor;
    window->limit = page + SMALLEST_PAGE;
    return true;
}
