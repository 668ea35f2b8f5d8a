/* Sums of profiles. Samples with the same stack (by mapping, address and lines), labels and sample types
 * become one; mappings are the same when their build ids are, or else file name, size and offset. */
#ifndef HEAPTAP_PROTO_MERGE_H
#define HEAPTAP_PROTO_MERGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/error.h"
#include "proto/profile.h"

struct merge_input {
    const struct profile *profile;
    double scale;         /* 1 keeps, -1 negates; values are scaled in double and rounded once */
    const double *scales; /* by sample type, times `scale`; NULL = 1 */
    /* Not NULL: every sample of this input gets the label key=text, as pprof marks a diff base. */
    const char *label_key, *label_text;
};

/* A value times a scale: rounded half away from zero, as pprof does, and within 64 bits; 0 of what is no number. */
int64_t merge_scale(int64_t value, double scale);

/* Fills *sum. The inputs must have the same sample types in the same order. */
bool merge_profiles(const struct merge_input *inputs, size_t count, struct profile *sum, struct proto_error *error);

#endif
