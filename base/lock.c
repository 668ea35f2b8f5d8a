/* The three-state futex mutex of Drepper's "Futexes Are Tricky", with a short spin before the first sleep,
 * since no critical section here is longer than a few hundred nanoseconds.
 *
 *   acquire: 1. CAS 0 -> 1.  2. else spin a little, trying again.  3. else swap in 2 and sleep while it was not 0.
 *   release: 1. swap in 0.  2. if it was 2, wake one.
 *
 * Debug builds keep the set of ranks that this thread holds as bits of one word and refuse an
 * acquisition out of order. errno is kept. */
#include "base/lock.h"

#include "base/atomic.h"
#include "base/check.h"
#include "base/futex.h"

enum { SPINS = 100 };

static _Thread_local uint32_t held_ranks; /* bit r: this thread holds a lock of rank r */
static _Thread_local bool in_fork;        /* this thread holds every lock and stands inside fork() */

/* Checks the order against the highest rank held so far; `limit` is the first bit that may not be held. */
static void rank_push(const struct lock *lock, uint32_t limit) {
    if (HEAPTAP_DEBUG) {
        CHECK(held_ranks < limit);
        held_ranks |= 1u << lock->rank;
    }
}

static void rank_pop(const struct lock *lock) {
    if (HEAPTAP_DEBUG)
        held_ranks &= ~(1u << lock->rank);
}

static void acquire_slow(struct lock *lock) {
    for (int i = 0; i < SPINS; i++) {
        uint32_t expected = 0;
        if (atomic_load_relaxed(&lock->state) == 0 && atomic_cas_strong_acquire(&lock->state, &expected, 1))
            return;
        cpu_relax();
    }
    while (atomic_swap_acquire(&lock->state, 2) != 0)
        futex_wait(&lock->state, 2, 0);
}

static void acquire(struct lock *lock) {
    uint32_t expected = 0;
    if (UNLIKELY(!atomic_cas_strong_acquire(&lock->state, &expected, 1)))
        acquire_slow(lock);
}

void lock_acquire(struct lock *lock) {
    if (UNLIKELY(in_fork))
        return;
    rank_push(lock, 1u << lock->rank);
    acquire(lock);
}

void lock_acquire_for_fork(struct lock *lock) {
    rank_push(lock, 2u << lock->rank);
    acquire(lock);
}

void lock_fork_begin(void) { in_fork = true; }
void lock_fork_end(void) { in_fork = false; }

bool lock_try_acquire(struct lock *lock) {
    uint32_t expected = 0;
    if (UNLIKELY(in_fork))
        return true;
    if (!atomic_cas_strong_acquire(&lock->state, &expected, 1))
        return false;
    rank_push(lock, UINT32_MAX); /* a try cannot deadlock, so any order will do */
    return true;
}

void lock_release(struct lock *lock) {
    if (UNLIKELY(in_fork))
        return;
    rank_pop(lock);
    if (UNLIKELY(atomic_swap_release(&lock->state, 0) == 2))
        futex_wake_one(&lock->state);
}

void lock_reset_after_fork(struct lock *lock) {
    rank_pop(lock);
    atomic_store_relaxed(&lock->state, 0);
}

void lock_assert_held(struct lock *lock) {
    DCHECK(atomic_load_relaxed(&lock->state) != 0);
    (void)lock;
}
