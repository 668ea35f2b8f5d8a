/* The samples of several profiles summed into rows, each profile in a column of its own.
 *
 *   flat   the samples whose leaf frame is in the row
 *   cum    the samples with at least one frame in the row, each counted once however often the row is on the stack
 *
 * Inlined calls are frames of their own, and a sample's leaf is its innermost inlined call. A row of stacks is one
 * sequence of functions, whatever the addresses. Sums wrap at 64 bits. Not thread safe. */
#ifndef HEAPTAP_DIFF_VIEW_H
#define HEAPTAP_DIFF_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "diff/frames.h"
#include "diff/noise.h"
#include "diff/rows.h"
#include "diff/sampled.h"
#include "diff/source.h"

/* What one profile adds to the rows. Arrays are by row and then by view: [row * views + view]; noise by row. */
struct column {
    const struct heapprofile *source;
    struct sampling sampling;
    struct frames frames;               /* not of labels; of stacks, the functions' */
    const uint32_t *types;              /* by view: which sample type of the source */
    const double *scales;               /* by view */
    uint32_t rows;                      /* that were there when the column was added; later ones are 0 in it */
    int64_t *flat, *cum;                /* of stacks and labels the same array */
    int64_t *total;                     /* by view */
    uint64_t *magnitude;                /* by view: the same without signs */
    struct noise flat_noise, cum_noise; /* empty where not asked for; of stacks and labels only flat */
    struct sampled total_noise;
    bool is_counted; /* all samples were added */
};

struct view {
    struct rows rows;
    const char *label; /* key, of label rows */
    uint32_t views;
    struct column *columns;
    size_t column_count;
    bool with_noise, with_cum_noise;
};

/* False when there is no memory; view_close is due all the same. */
bool view_open(struct view *view, enum heapprofile_by by, const char *label, uint32_t views);
/* Adds one profile as the next column, whose numbers are 0 as yet. `types` and `scales` stay the caller's and must
 * outlive the view. False when there is no memory. */
bool view_add(struct view *view, const struct heapprofile *source, const uint32_t *types, const double *scales);
/* After the last profile: adds up the samples of all of them. False when there is no memory. */
bool view_count(struct view *view);
void view_close(struct view *view);

/* Whether any number of the row is not 0 in a column. */
bool view_has_row(const struct view *view, size_t column, uint32_t row);
/* Row i becomes row alias[i], in all columns: its numbers join those of the other. No alias may have another alias.
 * False when there is no memory. */
bool view_rename(struct view *view, const uint32_t *alias);

/* A row's number in a column. */
static inline int64_t view_value(const struct view *view, size_t column, enum heapprofile_measure measure, uint32_t row,
                                 uint32_t type) {
    const struct column *from = &view->columns[column];
    const int64_t *values = measure == HEAPPROFILE_CUM ? from->cum : from->flat;
    return row < from->rows ? values[(size_t)row * view->views + type] : 0;
}

#endif
