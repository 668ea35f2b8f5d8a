/* Functions that were renamed or moved between two builds: a row that only OLD has and one that only NEW has are the
 * same when they are alike in who calls them, whom they call, and how much of the heap they stand for. A guess, and
 * shown as one. */
#ifndef HEAPTAP_DIFF_ALIGN_H
#define HEAPTAP_DIFF_ALIGN_H

#include <stdbool.h>

#include "diff/compare.h"

/* OLD's numbers of a matched row join the row of NEW, which keeps the old name and the likeness. Not of stacks and
 * labels. False when there is no memory. */
bool align_rows(struct heapprofile_diff *diff);

#endif
