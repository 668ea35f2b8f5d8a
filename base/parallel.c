/* Threads live as long as the call: the jobs are files and arrays of megabytes, beside which a thread's birth of 20 us
 * is nothing, and a library keeps no threads in somebody else's program.
 *
 * parallel_run:
 *   1. threads for all jobs but one, at most one a processor and MOST_HELPERS; signals are blocked in them, for they
 * are the program's
 *   2. every thread, the caller's too, takes the next number until there are none left
 *   3. the others are joined, which also publishes what they wrote
 *
 * Locks: none. Allocates with malloc, by way of pthread_create. */
#include "base/parallel.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include "base/atomic.h"

/* Each job may need memory of its own while it runs, and a machine of many processors has not more memory bandwidth for
 * each. */
enum { MOST_HELPERS = 7 };

struct work {
    size_t count;
    void (*job)(void *context, size_t index);
    void *context;
    _Atomic size_t next; /* taken with fetch_add by every thread */
};

static void *work_on(void *argument) {
    struct work *work = argument;
    for (size_t i; (i = atomic_add_relaxed(&work->next, 1)) < work->count;)
        work->job(work->context, i);
    return NULL;
}

/* Processors that this process may run on. */
static size_t count_processors(void) {
    cpu_set_t set;
    /* More processors than the set has room for are an error, and plenty. */
    return sched_getaffinity(0, sizeof set, &set) == 0 ? (size_t)CPU_COUNT(&set) : MOST_HELPERS;
}

void parallel_run(size_t count, void (*job)(void *context, size_t index), void *context) {
    struct work work = {.count = count, .job = job, .context = context};
    pthread_t helpers[MOST_HELPERS];
    size_t wanted = count_processors(), started = 0;
    sigset_t all, before;
    wanted = wanted < count ? wanted : count;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (started + 1 < wanted && started < MOST_HELPERS &&
           pthread_create(&helpers[started], NULL, work_on, &work) == 0)
        started++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    work_on(&work);
    while (started)
        pthread_join(helpers[--started], NULL);
}
