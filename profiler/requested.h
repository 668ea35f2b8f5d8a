/* How much of what the program gets it has asked for: the rest of a slot is lost by rounding up. */
#ifndef HEAPTAP_PROFILER_REQUESTED_H
#define HEAPTAP_PROFILER_REQUESTED_H

#include "profiler/bucket.h"

/* Of the live bytes, by what is sampled of them: from above 0 to 1, or 0 where nothing sampled is live. With w the
 * weight of a sample (profiler/sampler.h), summed over the buckets,
 *
 *     sum(w * live * asked / allocs) / sum(w * live * slot size)
 *
 * The second sum estimates the live bytes without bias; the first what was asked for, if those that live on were asked
 * for like all that one stack got in one slot size. Their ratio varies less than either: nearly all that makes the sums
 * uncertain is how many samples there are, and that is the same for both. */
double requested_part(const struct bucket_table *buckets);

#endif
