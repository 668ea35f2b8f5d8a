/* A mutex of four bytes on a futex. May be used inside malloc: it never allocates. Not recursive. Statically
 * initialised with LOCK_INIT(rank). */
#ifndef HEAPTAP_BASE_LOCK_H
#define HEAPTAP_BASE_LOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/lock_rank.h"

struct lock {
    _Atomic uint32_t state; /* 0 free, 1 held, 2 held and somebody may sleep */
    uint32_t rank;          /* enum lock_rank; written once */
};

#define LOCK_INIT(lock_rank) {0, (lock_rank)}

void lock_acquire(struct lock *lock);
bool lock_try_acquire(struct lock *lock);
void lock_release(struct lock *lock);

/* In the child of fork: the lock is free and nobody waits, whatever the copy of memory says. */
void lock_reset_after_fork(struct lock *lock);

/* Aborts in debug builds unless some thread holds it (the `_locked` functions assert this). */
void lock_assert_held(struct lock *lock);

#endif
