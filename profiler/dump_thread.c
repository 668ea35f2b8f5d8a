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
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/atomic.h"
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
    syscall(SYS_futex, &requests, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    errno = saved_errno;
    if (previous.sa_flags & SA_SIGINFO)
        previous.sa_sigaction(number, info, context);
    else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN)
        previous.sa_handler(number);
}

static void sleep_until(uint32_t handled, int64_t deadline) {
    struct timespec wait = {0, 0};
    struct timespec *timeout = NULL;
    if (deadline) {
        int64_t left = deadline - os_now();
        if (left <= 0)
            return;
        wait.tv_sec = left / 1000000000;
        wait.tv_nsec = left % 1000000000;
        timeout = &wait;
    }
    syscall(SYS_futex, &requests, FUTEX_WAIT_PRIVATE, handled, timeout, NULL, 0);
}

static int64_t next_deadline(int64_t deadline) {
    int64_t now = os_now();
    while (deadline <= now)
        deadline += (now - deadline) / interval * interval + interval;
    return deadline;
}

static void *run(void *unused) {
    uint32_t handled = 0;
    int64_t deadline = interval ? os_now() + interval : 0;
    (void)unused;
    prctl(PR_SET_NAME, "heaptap-dump", 0, 0, 0);
    for (;;) {
        sleep_until(handled, deadline);
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
    return NULL;
}

static bool start_thread(void) {
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all, before;
    atomic_store_relaxed(&requests, 0);
    sigfillset(&all);
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&thread, &attributes, run, NULL);
    if (error == EINVAL) /* a program with much thread-local storage needs a larger stack */
        error = pthread_create(&thread, NULL, run, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return error == 0;
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
