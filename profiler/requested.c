/* Locks: none. Allocation: none. */
#include "profiler/requested.h"

#include "profiler/sampler.h"

double requested_part(const struct bucket_table *buckets) {
    double asked = 0, got = 0;
    uint32_t count = bucket_count(buckets);
    for (uint32_t id = 1; id <= count; id++) {
        struct bucket_view bucket = bucket_read(buckets, id);
        if (bucket.allocs == bucket.frees)
            continue;
        double slot_size = (double)bucket.slot_size, mean = (double)bucket.asked / (double)bucket.allocs;
        double live = sampler_weight(bucket.slot_size, bucket.rate) * (double)(bucket.allocs - bucket.frees);
        got += live * slot_size;
        asked += live * (mean < slot_size ? mean : slot_size); /* a sample may be half counted */
    }
    return got > 0 ? asked / got : 0;
}
