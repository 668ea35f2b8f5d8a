/* What every form of output is made of: a comparison, the view and measure that are shown, and the order of the rows.
 */
#ifndef HEAPTAP_CLI_SUMMARY_H
#define HEAPTAP_CLI_SUMMARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "heapprofile.h"

struct summary {
    struct heapprofile_diff *diff;
    struct heapprofile_pair pair;
    enum heapprofile_by by;
    uint32_t view;  /* of the diff */
    uint32_t views; /* of the diff that may be shown: the first ones */
    enum heapprofile_measure measure;
    const uint32_t *order; /* rows, the greatest first */
    uint32_t count;
    uint64_t most_rows; /* 0 = all */
};

/* "function", "line", ...: as in --by and in JSON. */
extern const char *const summary_by_names[];

/* Whether there is something to compare with; else one profile is shown. */
static inline bool summary_is_diff(const struct summary *summary) {
    return summary->pair.runs[HEAPPROFILE_OLD].count != 0;
}

/* The first profile of a side. */
static inline const struct heapprofile *summary_file(const struct summary *summary, enum heapprofile_side side) {
    return summary->pair.runs[side].profiles[0];
}

#endif
