/* Arithmetic on powers of two, and multiplication that cannot overflow unseen. */
#ifndef HEAPTAP_BASE_BITS_H
#define HEAPTAP_BASE_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool is_power_of_two(uint64_t x) { return x && !(x & (x - 1)); }
static inline uint64_t align_down(uint64_t x, uint64_t power) { return x & ~(power - 1); }
static inline uint64_t align_up(uint64_t x, uint64_t power) { return (x + power - 1) & ~(power - 1); }

/* Count of trailing and leading zeros; 64 for zero. */
static inline unsigned ctz64(uint64_t x) { return x ? (unsigned)__builtin_ctzll(x) : 64; }
static inline unsigned clz64(uint64_t x) { return x ? (unsigned)__builtin_clzll(x) : 64; }
static inline unsigned popcount64(uint64_t x) { return (unsigned)__builtin_popcountll(x); }

/* floor(log2(x)) for x > 0. */
static inline unsigned log2_floor(uint64_t x) { return 63 - clz64(x | 1); }

/* a * b into *out; false when it does not fit. */
static inline bool mul_fits(size_t a, size_t b, size_t *out) { return !__builtin_mul_overflow(a, b, out); }

/* A fixed mixing of 64 bits for hash tables (the finalizer of MurmurHash3). */
static inline uint64_t hash64(uint64_t x) {
    x ^= x >> 33;
    x *= 0xff51afd7ed558ccdull;
    x ^= x >> 33;
    x *= 0xc4ceb9fe1a85ec53ull;
    return x ^ (x >> 33);
}

#endif
