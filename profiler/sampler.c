/* A draw:
 *   1. read the rate once: 0 never samples, 1 always;
 *   2. E = -T log(u), u uniform on (0, 1] with 53 bits, so E reaches 36 T and is never infinite;
 *   3. ceil(E / k), at least 1.
 *
 * Locks: none. Allocation: none. May run inside malloc. */
#include "profiler/sampler.h"

#include "alloc/hook.h"
#include "base/atomic.h"
#include "base/bits.h"
#include "base/rand.h"
#include "profiler/elementary.h"

static _Atomic uint64_t current_rate;

/* Written at start and in the child of fork; read by each thread at its first draw of an epoch. */
static _Atomic uint64_t seed_base;
static _Atomic uint32_t epoch = 1;
static _Atomic uint64_t thread_ordinal;

static _Thread_local struct rand_state state;
static _Thread_local uint32_t state_epoch; /* the epoch in which `state` was seeded; 0 = never */

void sampler_seed(uint64_t seed) { atomic_store_relaxed(&seed_base, seed); }

uint64_t sampler_rate(void) { return atomic_load_relaxed(&current_rate); }

uint64_t sampler_set_rate(uint64_t rate) { return atomic_swap_acq_rel(&current_rate, rate); }

static double draw_exponential(uint64_t mean) {
    uint32_t now = atomic_load_relaxed(&epoch);
    if (state_epoch != now) {
        rand_seed(&state, hash64(atomic_load_relaxed(&seed_base) + now) + atomic_add_relaxed(&thread_ordinal, 1));
        state_epoch = now;
    }
    return -elementary_log(rand_unit(&state)) * (double)mean;
}

uint64_t sampler_draw(size_t slot_size, uint64_t *rate) {
    uint64_t mean = sampler_rate();
    *rate = mean;
    if (mean <= 1)
        return mean ? 1 : HEAP_HOOK_NEVER;
    double objects = draw_exponential(mean) / (double)slot_size;
    if (objects >= 0x1p62)
        return (uint64_t)1 << 62;
    uint64_t count = (uint64_t)objects;
    count += (double)count < objects;
    return count ? count : 1;
}

double sampler_weight(size_t slot_size, uint64_t rate) {
    if (rate <= 1)
        return 1;
    return 1 / elementary_one_minus_exp((double)slot_size / (double)rate);
}

uint64_t sampler_weight_bytes(size_t slot_size, uint64_t rate) {
    return rate <= 1 ? slot_size : (uint64_t)(sampler_weight(slot_size, rate) * (double)slot_size + 0.5);
}

void sampler_fork_child(void) {
    atomic_store_relaxed(&thread_ordinal, 0);
    atomic_add_relaxed(&epoch, 1);
}
