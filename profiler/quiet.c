/* Locks: none. Allocation: none. errno is kept. */
#include "profiler/quiet.h"

#include <errno.h>
#include <stddef.h>
#include <time.h>

static const int raised_by_writes[] = {SIGPIPE, SIGXFSZ};

enum { SIGNALS = sizeof raised_by_writes / sizeof *raised_by_writes };

void quiet_begin(struct quiet *quiet) {
    sigset_t held;
    sigemptyset(&held);
    for (int i = 0; i < SIGNALS; i++)
        sigaddset(&held, raised_by_writes[i]);
    sigpending(&quiet->pending);
    pthread_sigmask(SIG_BLOCK, &held, &quiet->mask);
}

void quiet_end(const struct quiet *quiet) {
    static const struct timespec now = {0, 0};
    int saved_errno = errno;
    sigset_t raised;
    sigemptyset(&raised);
    for (int i = 0; i < SIGNALS; i++) {
        if (!sigismember(&quiet->pending, raised_by_writes[i]))
            sigaddset(&raised, raised_by_writes[i]);
    }
    while (sigtimedwait(&raised, NULL, &now) > 0 || errno == EINTR)
        ;
    pthread_sigmask(SIG_SETMASK, &quiet->mask, NULL);
    errno = saved_errno;
}
