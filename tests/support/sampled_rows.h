/* Rows of profiles for the statistics of a diff: objects that a process allocates, which of them are sampled, and what
 * a file says of them. Samples are drawn as the profiler draws them (docs/sampling.md), and pass through the rounding
 * of a writer, heaptap's or Go's. */
#ifndef TESTS_SUPPORT_SAMPLED_ROWS_H
#define TESTS_SUPPORT_SAMPLED_ROWS_H

#include <math.h>
#include <stdbool.h>

#include "base/rand.h"
#include "diff/estimate.h"

enum { SIZES_MOST = 3 };

/* What became of objects between two profiles of one process. In two processes `lost` is OLD, `gained` is NEW. */
enum fate { STAYED, LOST, GAINED, BOTH_BETWEEN, FREED_BEFORE, FATES };

/* Objects of one size: the slot as a multiple of the rate, and how many of each fate, in expected samples. */
struct size_mix {
    double slot, expected[FATES];
};

struct row_plan {
    const char *name;
    bool is_large; /* enough samples for the coverage to be the nominal one, not more */
    struct size_mix sizes[SIZES_MOST];
};

/* The objects that there are, and those that were sampled. */
struct row_class {
    uint64_t slot;
    uint64_t objects[FATES], sampled[FATES];
};

struct row {
    uint64_t rate;
    bool is_cut; /* written as Go does, not rounded */
    struct row_class classes[SIZES_MOST];
};

/* Bits of fates. */
enum {
    INUSE_OLD = 1 << STAYED | 1 << LOST,
    INUSE_NEW = 1 << STAYED | 1 << GAINED,
    ALLOC_OLD = 1 << STAYED | 1 << LOST | 1 << FREED_BEFORE,
    ALLOC_NEW = (1 << FATES) - 1,
};

static inline double sampled_share(uint64_t slot, uint64_t rate) {
    return rate <= 1 ? 1 : -expm1(-(double)slot / (double)rate);
}

/* Up to the last digits. */
static inline bool covers(double low, double high, double truth) {
    double slack = 1e-9 * (fabs(truth) + fabs(low) + fabs(high)) + 1e-6;
    return truth >= low - slack && truth <= high + slack;
}

static inline void row_build(struct row *row, const struct row_plan *plan, uint64_t rate) {
    double unit = rate > 1 ? (double)rate : 1024;
    for (int i = 0; i < SIZES_MOST; i++) {
        const struct size_mix *mix = &plan->sizes[i];
        struct row_class *class = &row->classes[i];
        class->slot = (uint64_t)ceil(mix->slot * unit / 8) * 8;
        for (int fate = 0; fate < FATES; fate++)
            class->objects[fate] =
                class->slot ? (uint64_t)(mix->expected[fate] / sampled_share(class->slot, rate) + 0.5) : 0;
    }
    row->rate = rate;
}

/* By the number of objects up to the next sample. */
static inline uint64_t sample_objects(struct rand_state *rand, uint64_t objects, uint64_t slot, uint64_t rate) {
    if (rate <= 1)
        return objects;
    uint64_t samples = 0;
    for (double at = 0;; samples++) {
        at += fmax(1, ceil(-log(rand_unit(rand)) * (double)rate / (double)slot));
        if (at > (double)objects)
            return samples;
    }
}

static inline void row_sample(struct row *row, struct rand_state *rand) {
    for (int i = 0; i < SIZES_MOST; i++)
        for (int fate = 0; fate < FATES; fate++)
            row->classes[i].sampled[fate] =
                sample_objects(rand, row->classes[i].objects[fate], row->classes[i].slot, row->rate);
}

/* By one gap in bytes over all sizes and fates, one object of each by turns: how a thread samples its large objects. */
static inline void row_sample_by_bytes(struct row *row, struct rand_state *rand) {
    uint64_t left[SIZES_MOST][FATES], more = 1;
    for (int i = 0; i < SIZES_MOST; i++)
        for (int fate = 0; fate < FATES; fate++) {
            left[i][fate] = row->classes[i].objects[fate];
            row->classes[i].sampled[fate] = 0;
        }
    double gap = ceil(-log(rand_unit(rand)) * (double)row->rate);
    while (more) {
        more = 0;
        for (int i = 0; i < SIZES_MOST; i++)
            for (int fate = 0; fate < FATES; fate++) {
                if (!left[i][fate])
                    continue;
                more += --left[i][fate];
                if (row->rate <= 1 || gap <= (double)row->classes[i].slot) {
                    row->classes[i].sampled[fate]++;
                    gap = ceil(-log(rand_unit(rand)) * (double)row->rate);
                } else {
                    gap -= (double)row->classes[i].slot;
                }
            }
    }
}

static inline double row_truth(const struct row *row, unsigned fates, bool of_bytes) {
    double sum = 0;
    for (int i = 0; i < SIZES_MOST; i++)
        for (int fate = 0; fate < FATES; fate++)
            if (fates & 1u << fate)
                sum += (double)row->classes[i].objects[fate] * (of_bytes ? (double)row->classes[i].slot : 1);
    return sum;
}

static inline int64_t row_written(const struct row *row, double value) {
    return (int64_t)(row->is_cut ? value : value + 0.5);
}

static inline double count_sampled(const struct row_class *class, unsigned fates) {
    double samples = 0;
    for (int fate = 0; fate < FATES; fate++)
        samples += fates & 1u << fate ? (double)class->sampled[fate] : 0;
    return samples;
}

/* The row's number in a file, read as a reader reads it. */
static inline struct estimate row_estimate(const struct row *row, unsigned fates, bool of_bytes) {
    struct estimate sum = estimate_none(row->rate);
    for (int i = 0; i < SIZES_MOST; i++) {
        const struct row_class *class = &row->classes[i];
        double samples = count_sampled(class, fates);
        if (count_sampled(class, fates & 1u << GAINED ? ALLOC_NEW : ALLOC_OLD) <= 0)
            continue; /* not in the file */
        double weight = 1 / sampled_share(class->slot, row->rate);
        int64_t bytes = row_written(row, samples * weight * (double)class->slot);
        struct estimate_bucket bucket = estimate_bucket(bytes, class->slot, row->rate);
        if (of_bytes)
            estimate_add_bytes(&sum, bytes, &bucket);
        else
            estimate_add_objects(&sum, row_written(row, samples * weight), class->slot, &bucket);
    }
    return sum;
}

#endif
