/* All samples weigh as if they were drawn at the rate of the moment at which the profile is written. */
#include "profiler/sampler.h"

double __real_sampler_weight(size_t slot_size, uint64_t rate);
double __wrap_sampler_weight(size_t slot_size, uint64_t rate);

double __wrap_sampler_weight(size_t slot_size, uint64_t rate) {
    (void)rate;
    return __real_sampler_weight(slot_size, sampler_rate());
}
