/* Sums and differences that wrap at 64 bits instead of overflowing, as the same numbers do in pprof. */
#ifndef HEAPTAP_BASE_WRAP_H
#define HEAPTAP_BASE_WRAP_H

#include <stdint.h>

static inline int64_t wrap_add(int64_t a, int64_t b) { return (int64_t)((uint64_t)a + (uint64_t)b); }
static inline int64_t wrap_subtract(int64_t a, int64_t b) { return (int64_t)((uint64_t)a - (uint64_t)b); }
/* The value without its sign; that of the least one too. */
static inline uint64_t wrap_magnitude(int64_t value) { return value < 0 ? 0 - (uint64_t)value : (uint64_t)value; }

#endif
