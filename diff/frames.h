/* From the locations of one profile to rows. Names are compared once a function, not once a frame, so that a loop over
 * samples touches arrays of numbers only. */
#ifndef HEAPTAP_DIFF_FRAMES_H
#define HEAPTAP_DIFF_FRAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "diff/rows.h"
#include "diff/source.h"

struct frames {
    uint32_t *first; /* by location, and one past the last: into `rows`; inlined calls are frames of their own */
    uint32_t *rows;  /* row of each frame, the innermost first */
    bool is_flat;    /* no location has inlined calls: first[i] == i */
};

/* Rows that are not there yet are added. False when there is no memory; frames_close is due all the same. */
bool frames_open(struct frames *frames, struct rows *rows, const struct heapprofile *source);
void frames_close(struct frames *frames);

/* The rows of a sample's frames, from the leaf, one after the other in *sequence, which grows. `length` of 0 is a
 * sample without a stack. False when there is no memory. */
bool frames_sequence(const struct frames *frames, const struct profile *profile, const struct profile_sample *sample,
                     uint32_t **sequence, size_t *capacity, size_t *length);

#endif
