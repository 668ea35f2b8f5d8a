/* The thread sleeps on one futex word that counts requests; the signal handler adds one and wakes it.
 *
 *   loop: 1. sleep until the word has changed or the interval is over.  2. changed: work "signal"; several
 * requests during one dump become one.  3. over: work "interval", and the next deadline is one interval after
 * the last, so that the times do not drift; missed ones are skipped.
 *
 * The handler does what is safe in any handler: an atomic, a system call, and the handler that was there
 * before.
 *
 * Locks: none. Allocation: what pthread_create takes. */
#include "profiler/dump_thread.h"

#include <errno.h>
#include <signal.h>

#include "base/atomic.h"
#include "base/background.h"
#include "base/futex.h"
#include "base/os.h"

enum { STACK_BYTES = 256 * 1024 };

static _Atomic uint32_t requests; /* signals so far; the thread's futex */
static int64_t interval;          /* nanoseconds; 0 = none. Written before the thread starts */
static int signal_number;
static dump_thread_work work;
static struct sigaction previous;

static void on_signal(int number, siginfo_t *info, void *context) {
    int saved_errno = errno;
    atomic_add_relaxed(&requests, 1);
    futex_wake_one(&requests);
    errno = saved_errno;
    if (previous.sa_flags & SA_SIGINFO)
        previous.sa_sigaction(number, info, context);
    else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN)
        previous.sa_handler(number);
}

static int64_t next_deadline(int64_t deadline) {
    int64_t now = os_now();
    while (deadline <= now)
        deadline += (now - deadline) / interval * interval + interval;
    return deadline;
}

static void run(void) {
    uint32_t handled = 0;
    int64_t deadline = interval ? os_now() + interval : 0;
    for (;;) {
        futex_wait(&requests, handled, deadline);
        uint32_t now = atomic_load_acquire(&requests);
        if (now != handled) {
            handled = now;
            work("signal");
        }
        if (deadline && os_now() >= deadline) {
            work("interval");
            deadline = next_deadline(deadline);
        }
    }
}

static bool start_thread(void) {
    atomic_store_relaxed(&requests, 0);
    return background_start("heaptap-dump", run, STACK_BYTES);
}

bool dump_thread_start(int64_t every, int number, dump_thread_work what) {
    interval = every;
    work = what;
    if (!start_thread())
        return false;
    if (number) {
        struct sigaction action = {.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK};
        action.sa_sigaction = on_signal;
        sigaction(number, NULL, &previous);
        action.sa_mask = previous.sa_mask;
        signal_number = number;
        sigaction(number, &action, NULL);
    }
    return true;
}

void dump_thread_fork_child(bool follow) {
    if (!work)
        return;
    if (follow) {
        start_thread();
    } else if (signal_number) {
        struct sigaction now;
        sigaction(signal_number, NULL, &now);
        if ((now.sa_flags & SA_SIGINFO) && now.sa_sigaction == on_signal)
            sigaction(signal_number, &previous, NULL);
        work = NULL;
    }
}
