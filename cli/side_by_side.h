/* All views of the files side by side, ordered by the one that was chosen. */
#ifndef HEAPTAP_CLI_SIDE_BY_SIDE_H
#define HEAPTAP_CLI_SIDE_BY_SIDE_H

#include <stdbool.h>
#include <stdio.h>

#include "cli/summary.h"
#include "cli/term.h"

/* False when there is no memory; write errors are left in `out`. */
bool side_by_side_print(const struct summary *summary, const struct term *term, FILE *out,
                        struct heapprofile_error *error);

#endif
