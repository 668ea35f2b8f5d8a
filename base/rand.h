/* xoshiro256++ (Blackman and Vigna, 2019), one state a thread, seedable. Not for secrets. */
#ifndef HEAPTAP_BASE_RAND_H
#define HEAPTAP_BASE_RAND_H

#include <stdint.h>

struct rand_state {
    uint64_t s[4];
};

/* Fills the state from one word by splitmix64; any seed is good, 0 too. */
void rand_seed(struct rand_state *state, uint64_t seed);
uint64_t rand_next(struct rand_state *state);

/* Uniform on (0, 1], 53 bits: the logarithm of it is always finite. */
double rand_unit(struct rand_state *state);

/* Uniform on [0, n), n > 0; bias below n / 2^64. */
uint64_t rand_below(struct rand_state *state, uint64_t n);

/* 64 bits from the kernel, or from clock and address where it has none to give. Takes no lock. */
uint64_t rand_entropy(void);

#endif
