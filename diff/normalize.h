/* What makes two profiles comparable whose programs did not run equally long or do equally much. */
#ifndef HEAPTAP_DIFF_NORMALIZE_H
#define HEAPTAP_DIFF_NORMALIZE_H

#include "diff/compare.h"

/* Fills diff->scales: 1 for OLD, and for NEW what brings it to OLD's total, time or work; of several runs, to the mean
 * of OLD's. False and one line when a file does not say what is needed. */
bool normalize_find(struct heapprofile_diff *diff, const struct heapprofile_pair *pair,
                    const struct heapprofile_options *options, struct heapprofile_error *error);

#endif
