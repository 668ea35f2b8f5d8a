/* Every n-th object, with the right n, instead of at random. The mean is right, but not what is said of its error. */
#include "alloc/hook.h"
#include "profiler/sampler.h"

uint64_t __wrap_sampler_draw(size_t slot_size, uint64_t *rate);

uint64_t __wrap_sampler_draw(size_t slot_size, uint64_t *rate) {
    *rate = sampler_rate();
    return *rate ? (uint64_t)(sampler_weight(slot_size, *rate) + 0.5) : HEAP_HOOK_NEVER;
}
