/* struct heapprofile_diff: the rows of a comparison and what changed in them. */
#ifndef HEAPTAP_DIFF_COMPARE_H
#define HEAPTAP_DIFF_COMPARE_H

#include "diff/view.h"
#include "heapprofile.h"

struct heapprofile_diff {
    struct view view;
    struct heapprofile_view *views; /* names and units */
    size_t runs[HEAPPROFILE_SIDES]; /* columns of each side; those of OLD come first */
    uint32_t *types;                /* by column and view */
    double *scales;                 /* by column and view */
    enum heapprofile_norm norm;
    double confidence;
    int same_process;
    bool is_reversed; /* one process, and OLD is the later file */
    /* Made when asked for. Changes are by view and measure and then by row. */
    struct heapprofile_change **changes;
    uint32_t *rank;
    /* Of aligned rows, by row; NULL without alignment. */
    const char **old_names;
    double *likeness;
};

/* The value of a side: of several runs their mean, rounded. */
int64_t compare_value(const struct heapprofile_diff *diff, enum heapprofile_side side, enum heapprofile_measure measure,
                      uint32_t row, uint32_t view);
/* A sum over the runs of a side as that value. */
int64_t compare_mean(const struct heapprofile_diff *diff, enum heapprofile_side side, double sum);
/* The side that a column belongs to. */
static inline enum heapprofile_side compare_side(const struct heapprofile_diff *diff, size_t column) {
    return column < diff->runs[HEAPPROFILE_OLD] ? HEAPPROFILE_OLD : HEAPPROFILE_NEW;
}

#endif
