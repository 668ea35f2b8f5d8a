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

#define LOCK_INIT(lock_rank)                                                                                           \
    { 0, (lock_rank) }

void lock_acquire(struct lock *lock);
bool lock_try_acquire(struct lock *lock);
void lock_release(struct lock *lock);

/* fork() in a program with threads. Other people's atfork handlers run between our prepare and our parent or
 * child handler, and they may allocate. So:
 *
 *   prepare  1. lock_acquire_for_fork on EVERY lock of the process, outer to inner (several of one rank may
 *               follow each other).  2. lock_fork_begin: for this thread acquire and release now do nothing.
 *   parent   1. lock_fork_end.  2. lock_release each.
 *   child    1. lock_fork_end.  2. lock_reset_after_fork each: nobody waits, whatever the copied memory says. */
void lock_acquire_for_fork(struct lock *lock);
void lock_fork_begin(void);
void lock_fork_end(void);
void lock_reset_after_fork(struct lock *lock);

/* Aborts in debug builds unless some thread holds it (the `_locked` functions assert this). */
void lock_assert_held(struct lock *lock);

#endif
