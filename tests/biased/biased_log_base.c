/* The gap is drawn with the logarithm to the base 2, so it is longer by 1 / ln 2. */
#include "alloc/hook.h"
#include "profiler/sampler.h"

uint64_t __real_sampler_draw(size_t slot_size, uint64_t *rate);
uint64_t __wrap_sampler_draw(size_t slot_size, uint64_t *rate);

uint64_t __wrap_sampler_draw(size_t slot_size, uint64_t *rate) {
    uint64_t count = __real_sampler_draw(slot_size, rate);
    return *rate > 1 && count != HEAP_HOOK_NEVER ? (uint64_t)((double)count * 1.4426950408889634) : count;
}
