/* Which allocations are recorded, and what each of them stands for.
 *
 * Sampling is Poisson over bytes with mean T (the rate): an object of k bytes is recorded with probability
 *
 *     p(k, T) = 1 - exp(-k / T)
 *
 * independently of every other. Counted in objects of one size the gap is geometric: with E exponential of
 * mean T, ceil(E / k) is the index of the next recorded object, since P(ceil(E / k) > n) = P(E > n k) = (1 -
 * p)^n.
 *
 * A recorded object stands for 1 / p objects and k / p bytes (Horvitz and Thompson 1952): over many runs the
 * expected sum of the weights is sum(p * 1 / p) = the number of objects, whatever the sizes on a stack are
 * and however often T changed, because every sample keeps the k and T of its own draw. Sums are taken of
 * counts and multiplied by the weight; rounding comes last. T = 1 records everything with weight exactly 1; T
 * = 0 nothing.
 *
 * Every thread draws from a generator of its own. With a seed, the n-th thread that draws gets the n-th
 * stream, so a program that starts its threads in the same order is sampled in the same way. */
#ifndef HEAPTAP_PROFILER_SAMPLER_H
#define HEAPTAP_PROFILER_SAMPLER_H

#include <stddef.h>
#include <stdint.h>

/* Call before the first draw. Without a seed one is taken from the kernel. */
void sampler_seed(uint64_t seed);

uint64_t sampler_rate(void);
/* Returns the previous rate. The caller makes every thread draw anew. */
uint64_t sampler_set_rate(uint64_t rate);

/* The hook's draw (alloc/hook.h). May run inside malloc. */
uint64_t sampler_draw(size_t slot_size, uint64_t *rate);

/* Objects that one sample of `slot_size` bytes drawn at `rate` stands for. */
double sampler_weight(size_t slot_size, uint64_t rate);

/* Bytes that one sample stands for, rounded to whole ones. */
uint64_t sampler_weight_bytes(size_t slot_size, uint64_t rate);

/* The child of fork must not repeat its parent's draws. */
void sampler_fork_child(void);

#endif
