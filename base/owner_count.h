/* Counters that one thread writes, often, and any thread reads. On x86-64 a step is one instruction on memory, without
 * a lock prefix: the owner is alone, and an aligned word is never seen half written. */
#ifndef HEAPTAP_BASE_OWNER_COUNT_H
#define HEAPTAP_BASE_OWNER_COUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/atomic.h"

struct owner_count {
    _Atomic uint64_t value;
};

static inline uint64_t owner_count_read(const struct owner_count *count) { return atomic_load_relaxed(&count->value); }

static inline void owner_count_set(struct owner_count *count, uint64_t value) {
    atomic_store_relaxed(&count->value, value);
}

static inline void owner_count_add(struct owner_count *count, uint64_t n) { atomic_bump_by_owner(&count->value, n); }

/* Adds 1; true when that made it 0. */
#if defined(__x86_64__)
static inline bool owner_step(_Atomic uint64_t *value) {
    bool zero;
    __asm__("incq %0" : "+m"(*value), "=@ccz"(zero));
    return zero;
}
#else
static inline bool owner_step(_Atomic uint64_t *value) {
    uint64_t more = atomic_load_relaxed(value) + 1;
    atomic_store_relaxed(value, more);
    return more == 0;
}
#endif

static inline bool owner_count_step(struct owner_count *count) { return owner_step(&count->value); }

#endif
