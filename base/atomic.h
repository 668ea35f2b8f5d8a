/* Atomic operations whose memory order stands in the name, so that a reader never has to look for it.
 * Arguments are pointers to _Atomic objects. */
#ifndef HEAPTAP_BASE_ATOMIC_H
#define HEAPTAP_BASE_ATOMIC_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define atomic_load_relaxed(p) atomic_load_explicit((p), memory_order_relaxed)
#define atomic_load_acquire(p) atomic_load_explicit((p), memory_order_acquire)
#define atomic_load_seq_cst(p) atomic_load_explicit((p), memory_order_seq_cst)

#define atomic_store_relaxed(p, v) atomic_store_explicit((p), (v), memory_order_relaxed)
#define atomic_store_release(p, v) atomic_store_explicit((p), (v), memory_order_release)
#define atomic_store_seq_cst(p, v) atomic_store_explicit((p), (v), memory_order_seq_cst)

#define atomic_add_relaxed(p, v) atomic_fetch_add_explicit((p), (v), memory_order_relaxed)
#define atomic_sub_relaxed(p, v) atomic_fetch_sub_explicit((p), (v), memory_order_relaxed)
#define atomic_add_release(p, v) atomic_fetch_add_explicit((p), (v), memory_order_release)
#define atomic_sub_release(p, v) atomic_fetch_sub_explicit((p), (v), memory_order_release)
#define atomic_add_acq_rel(p, v) atomic_fetch_add_explicit((p), (v), memory_order_acq_rel)
#define atomic_sub_acq_rel(p, v) atomic_fetch_sub_explicit((p), (v), memory_order_acq_rel)
#define atomic_add_seq_cst(p, v) atomic_fetch_add_explicit((p), (v), memory_order_seq_cst)
#define atomic_sub_seq_cst(p, v) atomic_fetch_sub_explicit((p), (v), memory_order_seq_cst)
#define atomic_or_relaxed(p, v)  atomic_fetch_or_explicit((p), (v), memory_order_relaxed)
#define atomic_or_acq_rel(p, v)  atomic_fetch_or_explicit((p), (v), memory_order_acq_rel)
#define atomic_and_relaxed(p, v) atomic_fetch_and_explicit((p), (v), memory_order_relaxed)
#define atomic_and_acq_rel(p, v) atomic_fetch_and_explicit((p), (v), memory_order_acq_rel)

#define atomic_swap_acq_rel(p, v) atomic_exchange_explicit((p), (v), memory_order_acq_rel)
#define atomic_swap_acquire(p, v) atomic_exchange_explicit((p), (v), memory_order_acquire)
#define atomic_swap_release(p, v) atomic_exchange_explicit((p), (v), memory_order_release)

/* Weak compare-and-swap for loops, strong for single tries; failure is relaxed or acquire as named. */
#define atomic_cas_weak_release(p, expected, v)                                                                        \
    atomic_compare_exchange_weak_explicit((p), (expected), (v), memory_order_release, memory_order_relaxed)
#define atomic_cas_weak_acq_rel(p, expected, v)                                                                        \
    atomic_compare_exchange_weak_explicit((p), (expected), (v), memory_order_acq_rel, memory_order_acquire)
#define atomic_cas_weak_relaxed(p, expected, v)                                                                        \
    atomic_compare_exchange_weak_explicit((p), (expected), (v), memory_order_relaxed, memory_order_relaxed)
#define atomic_cas_strong_acquire(p, expected, v)                                                                      \
    atomic_compare_exchange_strong_explicit((p), (expected), (v), memory_order_acquire, memory_order_relaxed)
#define atomic_cas_strong_acq_rel(p, expected, v)                                                                      \
    atomic_compare_exchange_strong_explicit((p), (expected), (v), memory_order_acq_rel, memory_order_acquire)

#define atomic_fence_seq_cst() atomic_thread_fence(memory_order_seq_cst)
#define atomic_fence_acquire() atomic_thread_fence(memory_order_acquire)
#define atomic_fence_release() atomic_thread_fence(memory_order_release)

/* For a function that reads plain fields which their owner may be writing, and can live with the value before or after:
 * aligned words are never seen half written. */
#define RACY_READS __attribute__((no_sanitize("thread")))

/* A counter with one writer and many readers: two plain moves, no locked instruction. */
#define atomic_bump_by_owner(p, v) atomic_store_relaxed((p), atomic_load_relaxed(p) + (v))

/* value < *p, value == *p, of a relaxed load: one instruction, where compilers need two, since they fold no atomic load
 * into a comparison. */
#if defined(__x86_64__)
static inline bool atomic_is_above(const _Atomic uintptr_t *p, uintptr_t value) {
    bool above;
    __asm__("cmpq %2, %1" : "=@ccb"(above) : "r"(value), "m"(*p));
    return above;
}

static inline bool atomic_is(const _Atomic uintptr_t *p, uintptr_t value) {
    bool same;
    __asm__("cmpq %1, %2" : "=@cce"(same) : "r"(value), "m"(*p));
    return same;
}
#else
static inline bool atomic_is_above(const _Atomic uintptr_t *p, uintptr_t value) {
    return value < atomic_load_relaxed(p);
}

static inline bool atomic_is(const _Atomic uintptr_t *p, uintptr_t value) { return atomic_load_relaxed(p) == value; }
#endif

static inline void cpu_relax(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

#endif
