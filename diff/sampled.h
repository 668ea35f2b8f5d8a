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

struct sampled {
    struct estimate kinds[SAMPLED_KINDS];
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

/* One sample of a profile. */
struct sampled_sample {
    int64_t values[SAMPLED_KINDS];
    uint64_t slot;
    struct estimate_bucket alloc, inuse;
};

struct sampling sampling_find(const struct heapprofile *source);
/* `weights` begins all zero and is for this sampling alone. */
void sampling_read(const struct sampling *sampling, struct sampled_weights *weights, uint32_t index,
                   struct sampled_sample *sample);

/* Which of the four a view is, by its name. */
enum sampled_kind sampled_kind_of(const char *view);
void sampled_add(struct sampled *sum, const struct sampled_sample *sample);
void sampled_join(struct sampled *sum, const struct sampled *more);
/* The sum as the statistics want it: where nothing was added, what the file's rate lets be unseen. */
struct estimate sampled_estimate(const struct sampled *sum, enum sampled_kind kind, const struct sampling *sampling);

#endif
