/* How sure a sampled number is.
 *
 * An object of `slot` bytes is in a profile of rate R with probability p = 1 - e^(-slot / R), independently of all
 * others. The profile shows n / p objects and n slot / p bytes for the n that it has. So n can be read back from the
 * number shown, and with it the variance:
 *
 *     Var(objects) = n (1 - p) / p^2         Var(bytes) = slot^2 n (1 - p) / p^2
 *
 * (Horvitz and Thompson 1952; both are unbiased). Samples are independent, so values and variances of the samples of a
 * row add up. R <= 1 records everything: p = 1, no variance.
 *
 * What a file does not show may be there all the same: bytes that no sample fell into are as many as B with
 * probability e^(-B / R), whatever the sizes of the objects. One sample more would have been `rate` bytes, or
 * `rate * density` objects.
 *
 * Pure functions; nothing is allocated. */
#ifndef HEAPTAP_DIFF_ESTIMATE_H
#define HEAPTAP_DIFF_ESTIMATE_H

#include <stdbool.h>
#include <stdint.h>

/* A number of a row, on one side. All zero is: nothing, and that exactly. */
struct estimate {
    double value;    /* the sum of the file's numbers */
    double variance; /* of it, estimated from the samples; 0 where everything is recorded */
    double samples;  /* recorded objects */
    double rate;     /* of the file (the largest, of several), times what the values were scaled by; 0 = exact */
    double density;  /* most units that a byte can be: 1 for bytes, 1 / smallest slot for objects; 0 = nothing seen */
    double unknown;  /* the part of the value, without its sign, whose samples could not be read back */
};

/* A number of a profile's sample: of an alloc or an inuse pair. */
struct estimate_bucket {
    double samples;
    double objects; /* samples / p; the file's count is cut to a whole number, by up to one */
    double variance_objects, variance_bytes;
    bool is_known; /* false: the numbers were not made from whole samples of this rate; the others are a guess */
};

/* What is the same for all samples of one slot size and rate; it takes two exponentials, so callers with many keep it.
 */
struct estimate_weight {
    double p;                /* probability that an object is recorded */
    double objects_variance; /* of one recorded object's estimate */
};

struct estimate_weight estimate_weigh(uint64_t slot, uint64_t rate);

/* Reads the samples back from `bytes`, the space value. The count of objects alone is too coarse: writers cut it to a
 * whole number. Unknown: negative values, slot 0 with a value, and values that are no multiple of one sample's (scaled,
 * averaged, of several rates, or of another estimator). */
struct estimate_bucket estimate_bucket(int64_t bytes, uint64_t slot, uint64_t rate);
/* The same, with what estimate_weigh says of this slot and rate. */
struct estimate_bucket estimate_bucket_weighed(int64_t bytes, uint64_t slot, uint64_t rate,
                                               const struct estimate_weight *weight);

/* Nothing, in a file of this rate: the start of every sum, and the side on which a row is absent. */
struct estimate estimate_none(uint64_t rate);
/* Adds a sample's space value `bytes`, or its objects; `bucket` is what estimate_bucket said of it. A value of 0 too:
 * it tells what size of objects the row has. */
void estimate_add_bytes(struct estimate *sum, int64_t bytes, const struct estimate_bucket *bucket);
void estimate_add_objects(struct estimate *sum, int64_t objects, uint64_t slot, const struct estimate_bucket *bucket);

/* A number without an error, such as an exact total. */
struct estimate estimate_exact(double value);

/* Independent parts. */
struct estimate estimate_sum(const struct estimate *a, const struct estimate *b);
/* value * factor, variance * factor^2; factor >= 0. */
struct estimate estimate_scale(const struct estimate *estimate, double factor);

#endif
