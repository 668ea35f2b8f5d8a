#include "base/futex.h"

#include <errno.h>
#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

void futex_wait(_Atomic uint32_t *word, uint32_t value, int64_t deadline) {
    int saved_errno = errno;
    struct timespec until = {deadline / 1000000000, deadline % 1000000000};
    /* WAIT_BITSET takes an absolute time, so an early wake does not stretch the wait. */
    syscall(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, value, deadline ? &until : NULL, NULL, FUTEX_BITSET_MATCH_ANY);
    errno = saved_errno;
}

void futex_wake_one(_Atomic uint32_t *word) {
    int saved_errno = errno;
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    errno = saved_errno;
}
