/* The thread sleeps on one futex word that counts wakes; the signal handler adds one to the signals and wakes it.
 *
 *   loop: 1. sleep until the word has changed or the next deadline is over.  2. a signal came: work "signal"; several
 * during one dump become one.  3. the interval is over: work "interval", and the next deadline is one interval after
 * the last, so that the times do not drift; missed ones are skipped.  4. look, each second and after each wake.
 *
 * The handler does what is safe in any handler: an atomic, a system call, and the handler that was there
 * before.
 *
 * Locks: none. Allocation: what pthread_create takes. */
#include "profiler/dump_thread.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>

#include "base/atomic.h"
#include "base/background.h"
#include "base/futex.h"
#include "base/os.h"

#define LOOK_NANOSECONDS ((int64_t)1000000000)

enum { STACK_BYTES = 256 * 1024 };

static _Atomic uint32_t wakes;             /* the thread's futex */
static _Atomic uint32_t signals;           /* so far */
static struct dump_thread_settings wanted; /* written before the thread starts */
static struct sigaction previous;

void dump_thread_wake(void) {
    atomic_add_acq_rel(&wakes, 1);
    futex_wake_one(&wakes);
}

static void on_signal(int number, siginfo_t *info, void *context) {
    int saved_errno = errno;
    atomic_add_relaxed(&signals, 1);
    dump_thread_wake();
    errno = saved_errno;
    if (previous.sa_flags & SA_SIGINFO)
        previous.sa_sigaction(number, info, context);
    else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN)
        previous.sa_handler(number);
}

/* The first of `deadline`, and each `interval` after it, that is not over. */
static int64_t next_deadline(int64_t deadline, int64_t interval) {
    int64_t now = os_now();
    while (deadline <= now)
        deadline += (now - deadline) / interval * interval + interval;
    return deadline;
}

static int64_t earlier(int64_t a, int64_t b) { return !a || (b && b < a) ? b : a; }

static void look(void) {
    const char *reason = wanted.look();
    if (reason)
        wanted.work(reason);
}

static void run(void) {
    uint32_t handled = 0;
    int64_t interval_ends = wanted.interval ? os_now() + wanted.interval : 0;
    int64_t looks_at = wanted.look ? os_now() + LOOK_NANOSECONDS : 0;
    for (uint32_t seen = 0;;) {
        futex_wait(&wakes, seen, earlier(interval_ends, looks_at));
        uint32_t woken = atomic_load_acquire(&wakes), sent = atomic_load_relaxed(&signals);
        bool was_woken = woken != seen;
        seen = woken;
        if (sent != handled) {
            handled = sent;
            wanted.work("signal");
        }
        if (interval_ends && os_now() >= interval_ends) {
            wanted.work("interval");
            interval_ends = next_deadline(interval_ends, wanted.interval);
        }
        if (looks_at && (was_woken || os_now() >= looks_at)) {
            look();
            looks_at = next_deadline(looks_at, LOOK_NANOSECONDS);
        }
    }
}

static bool start_thread(void) {
    atomic_store_relaxed(&wakes, 0);
    atomic_store_relaxed(&signals, 0);
    return background_start("heaptap-dump", run, STACK_BYTES);
}

bool dump_thread_start(const struct dump_thread_settings *settings) {
    wanted = *settings;
    if (!start_thread())
        return false;
    if (wanted.signal_number) {
        struct sigaction action = {.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK};
        action.sa_sigaction = on_signal;
        sigaction(wanted.signal_number, NULL, &previous);
        action.sa_mask = previous.sa_mask;
        sigaction(wanted.signal_number, &action, NULL);
    }
    return true;
}

void dump_thread_fork_child(bool follow) {
    if (!wanted.work)
        return;
    if (follow) {
        start_thread();
    } else if (wanted.signal_number) {
        struct sigaction now;
        sigaction(wanted.signal_number, NULL, &now);
        if ((now.sa_flags & SA_SIGINFO) && now.sa_sigaction == on_signal)
            sigaction(wanted.signal_number, &previous, NULL);
        wanted.work = NULL;
    }
}
