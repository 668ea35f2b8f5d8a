/* What every form of output is made of: a comparison, the view and measure that are shown, the order of the rows, and
 * which of them are shown to people. */
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
    const char *label; /* of HEAPPROFILE_BY_LABEL */
    uint32_t views;    /* that are shown: the first ones of the diff */
    uint32_t view;     /* the chosen one of them */
    enum heapprofile_measure measure;
    const uint32_t *order; /* rows, the greatest first */
    uint32_t count;
    uint64_t most_rows;  /* 0 = all */
    bool with_all_views; /* side by side */
    bool is_filtered;    /* samples were left out, so the files' exact totals are not those of what is shown */
    double confidence;   /* of intervals */
    const char *subject; /* of --peek the expression, of --explain the name */
};

/* "function", "line", ...: as in --by and in JSON. */
extern const char *const summary_by_names[];

/* What stands above names: that, or the key of the label. */
const char *summary_head(const struct summary *summary);

/* Whether there is something to compare with; else one profile is shown. */
static inline bool summary_is_diff(const struct summary *summary) {
    return summary->pair.runs[HEAPPROFILE_OLD].count != 0;
}

/* The first profile of a side. */
static inline const struct heapprofile *summary_file(const struct summary *summary, enum heapprofile_side side) {
    return summary->pair.runs[side].profiles[0];
}

/* The change of a row in the view and measure that are shown. */
static inline struct heapprofile_change summary_change(const struct summary *summary, uint32_t row) {
    return heapprofile_diff_change(summary->diff, row, summary->view, summary->measure);
}

/* Which rows of `order` people are shown, at most `most_rows`. Rows of a diff that did not change are left out, unless
 * all are asked for. What changed comes before what is within sampling noise: noise gets the places that are left, so
 * that it cannot push a change out of sight. The order stays that of `order`. */
struct selection {
    uint32_t *rows;
    size_t count;
    /* Of the others: */
    size_t rest;
    size_t rest_changed; /* beyond sampling noise, where that is known */
    int64_t rest_sum;    /* of the changes; 0 of cum, whose sums mean nothing */
};

/* False when there is no memory. `rows` is the caller's, to be freed. */
bool summary_select(const struct summary *summary, struct selection *selection);

/* The larger half of the interval of a change, where there is one; of what changed at most the change itself. */
bool summary_half_interval(const struct heapprofile_change *change, int64_t *half);

enum { SUMMARY_PLACE_SIZE = 4096 + 32 };

/* "src/cache.c:88", "[several files]" or "": as it is in the file, not cleaned. */
void summary_place(const struct heapprofile_row *row, char out[SUMMARY_PLACE_SIZE]);

#endif
