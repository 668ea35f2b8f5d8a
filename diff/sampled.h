/* What a sum of samples rests on, for the four numbers of a heap profile: how many objects were recorded, and how much
 * chance is in it. */
#ifndef HEAPTAP_DIFF_SAMPLED_H
#define HEAPTAP_DIFF_SAMPLED_H

#include <stdbool.h>
#include <stdint.h>

#include "diff/estimate.h"
#include "diff/source.h"

/* In Go's order. */
enum sampled_kind {
    SAMPLED_ALLOC_OBJECTS,
    SAMPLED_ALLOC_SPACE,
    SAMPLED_INUSE_OBJECTS,
    SAMPLED_INUSE_SPACE,
    SAMPLED_KINDS,
    SAMPLED_OTHER = SAMPLED_KINDS /* a view that is none of them */
};

/* Sums of the parts of estimates, in two cache lines: with verdicts on cum a row is added to for every frame. The alloc
 * pair first, then the inuse pair; of each: recorded objects, which both numbers have in common, then value, variance
 * and unknown of the objects and of the bytes. All zero is nothing. */
enum { SAMPLED_PAIR = 7, SAMPLED_SUMS = 2 * SAMPLED_PAIR };

struct sampled {
    double sums[SAMPLED_SUMS];
    double object_density, byte_density; /* the greatest */
};

/* How a profile was sampled, found once. */
struct sampling {
    const struct profile *profile;
    uint32_t types[SAMPLED_KINDS]; /* sample types, or PROFILE_NONE */
    uint32_t label;                /* string id of "bytes", or PROFILE_NONE */
    uint64_t rate;                 /* mean bytes between samples; 0 = the file does not say */
};

/* Weights of slot sizes that came up lately: there are some dozens in a profile. */
enum { SAMPLED_WEIGHTS = 128 };
struct sampled_weights {
    struct sampled_weight {
        uint64_t slot; /* 0 = nothing here */
        struct estimate_weight weight;
    } items[SAMPLED_WEIGHTS];
};

struct sampling sampling_find(const struct heapprofile *source);
/* What one sample of the profile adds to a sum. `weights` begins all zero and is for this sampling alone. */
struct sampled sampling_read(const struct sampling *sampling, struct sampled_weights *weights, uint32_t index);

/* Which of the four a view is, by its name. */
enum sampled_kind sampled_kind_of(const char *view);
/* Adds a sample or a sum. */
static inline void sampled_add(struct sampled *sum, const struct sampled *more) {
    for (int i = 0; i < SAMPLED_SUMS; i++)
        sum->sums[i] += more->sums[i];
    sum->object_density = more->object_density > sum->object_density ? more->object_density : sum->object_density;
    sum->byte_density = more->byte_density > sum->byte_density ? more->byte_density : sum->byte_density;
}
/* The sum as the statistics want it: where nothing was added, what the file's rate lets be unseen. */
struct estimate sampled_estimate(const struct sampled *sum, enum sampled_kind kind, const struct sampling *sampling);

#endif
