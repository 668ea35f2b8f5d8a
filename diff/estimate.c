/* From the numbers of a file to estimates with an error.
 *
 * To read n back from v bytes:
 *   1. one sample is slot / p bytes, so n = v p / slot, but for the rounding of the writer;
 *   2. writers cut the bytes (Go) or round them (heaptap), so v p / slot is between n - p / slot and n + p / (2 slot),
 * and p / slot is below 1 / max(slot, rate): a millionth, at the default rate. Files that were added up after rounding
 * have as many such errors as there were files, and `roundings` are forgiven, up to an eighth of a sample;
 *   3. what is farther from a whole number was not made in this way. */
#include "diff/estimate.h"

#include <float.h>
#include <math.h>

static const double roundings = 16, farthest = 0.125;

/* Relative, of a weight. Go computes p as 1 - exp(-x), of which a small x leaves few digits. */
static double weight_error(uint64_t slot, uint64_t rate) { return 1e-12 + DBL_EPSILON * (double)rate / (double)slot; }

struct estimate_weight estimate_weigh(uint64_t slot, uint64_t rate) {
    if (rate <= 1)
        return (struct estimate_weight){1, 0};
    double exponent = -(double)slot / (double)rate, p = -expm1(exponent);
    return (struct estimate_weight){p, exp(exponent) / (p * p)};
}

struct estimate_bucket estimate_bucket_weighed(int64_t bytes, uint64_t slot, uint64_t rate,
                                               const struct estimate_weight *weight) {
    struct estimate_bucket bucket = {.is_known = bytes == 0 || (bytes > 0 && slot > 0 && rate > 0)};
    if (bytes == 0 || slot == 0 || rate == 0)
        return bucket;
    double samples = (double)bytes * weight->p / (double)slot, whole = round(samples);
    double forgiven = roundings * weight->p / (double)slot + weight_error(slot, rate) * fabs(whole);
    if (rate == 1)
        bucket.is_known = true; /* nothing is sampled: every number is exact, a negative one too */
    else if (whole < 1 || fabs(samples - whole) > fmin(forgiven, farthest))
        bucket.is_known = false;
    bucket.samples = bucket.is_known ? whole : fabs(samples);
    bucket.objects = bucket.samples / weight->p;
    bucket.variance_objects = bucket.samples * weight->objects_variance;
    bucket.variance_bytes = bucket.variance_objects * (double)slot * (double)slot;
    return bucket;
}

struct estimate_bucket estimate_bucket(int64_t bytes, uint64_t slot, uint64_t rate) {
    struct estimate_weight weight = estimate_weigh(slot, rate);
    return estimate_bucket_weighed(bytes, slot, rate, &weight);
}

struct estimate estimate_none(uint64_t rate) {
    return (struct estimate){.rate = rate > 1 ? (double)rate : 0};
}

static void add(struct estimate *sum, double value, double variance, const struct estimate_bucket *bucket) {
    sum->value += value;
    sum->variance += variance;
    sum->samples += bucket->samples;
    if (!bucket->is_known)
        sum->unknown += fabs(value);
}

void estimate_add_bytes(struct estimate *sum, int64_t bytes, const struct estimate_bucket *bucket) {
    add(sum, (double)bytes, bucket->variance_bytes, bucket);
    sum->density = 1;
}

void estimate_add_objects(struct estimate *sum, int64_t objects, uint64_t slot, const struct estimate_bucket *bucket) {
    double value = bucket->is_known ? bucket->objects : (double)objects;
    add(sum, value, bucket->variance_objects, bucket);
    if (slot)
        sum->density = fmax(sum->density, 1 / (double)slot);
}

struct estimate estimate_exact(double value) {
    return (struct estimate){.value = value};
}

struct estimate estimate_sum(const struct estimate *a, const struct estimate *b) {
    return (struct estimate){
        .value = a->value + b->value,
        .variance = a->variance + b->variance,
        .samples = a->samples + b->samples,
        .rate = fmax(a->rate, b->rate),
        .density = fmax(a->density, b->density),
        .unknown = a->unknown + b->unknown,
    };
}

struct estimate estimate_scale(const struct estimate *estimate, double factor) {
    struct estimate scaled = *estimate;
    scaled.value *= factor;
    scaled.variance *= factor * factor;
    scaled.rate *= factor;
    scaled.unknown *= factor;
    return scaled;
}
