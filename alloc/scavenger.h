/* Returns idle pages to the system.
 *
 * Two goals, checked in the background while either is exceeded:
 *   1. pages with memory behind them <= 1.10 * the most in use during the last generation, or now if that is more;
 *   2. heap and metadata <= 0.95 * the soft limit.
 * Go measures the first against the heap at the end of its last collection. A heap without collections has no such
 * moment, so a generation is a second. What a program drops is kept for one to two seconds, in case it comes back for
 * it, and then goes.
 *
 * The work is paced to 1% of one processor (Go's mgcscavenge.go: a PI controller over sleep and work), or to what
 * returns the excess in five seconds if that is more, starts at the highest address, and passes over chunks of
 * which 96.875% are in use.
 *
 * A guest's manners: no thread exists before two MiB and a tenth of the heap are idle. It is started by a free that the
 * program itself called (alloc/caller.h). It sleeps without a timeout when there is nothing to do. A process that may
 * not create threads goes on without one.
 *
 * Thread safe. */
#ifndef HEAPTAP_ALLOC_SCAVENGER_H
#define HEAPTAP_ALLOC_SCAVENGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* At start. */
void scavenger_prepare(bool trace);

/* Everything that can be returned, now, on this thread, without holding up others for longer than one chunk. Bytes
 * returned. */
size_t scavenger_release_all(void);

/* After a free or an allocation that may have changed the heap's pages, with no lock held: wakes or starts the thread
 * where a goal is exceeded, and returns at once what exceeds the soft limit. `caller` is the program's return address;
 * NULL: no thread may be started from here. */
void scavenger_poll(const void *caller);

/* The soft limit has changed. */
void scavenger_limit_changed(void);

/* Nobody but the calling thread exists in the child. */
void scavenger_fork_child(void);

#endif
