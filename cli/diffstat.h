/* The summary as a list of bars, like diffstat(1) and `git diff --stat` draw them:
 *
 *     cache_insert   | +7.50Mi ++++++++++++++++++++
 *     old_index_load | -1.02Mi ---
 *     log_append     |       ~
 *     inuse_space: 44 functions, 3 changed, +8.75Mi, -1.02Mi */
#ifndef HEAPTAP_CLI_DIFFSTAT_H
#define HEAPTAP_CLI_DIFFSTAT_H

#include <stdbool.h>
#include <stdio.h>

#include "cli/summary.h"
#include "cli/term.h"

/* False when there is no memory; write errors are left in `out`. */
bool diffstat_print(const struct summary *summary, const struct term *term, FILE *out, struct heapprofile_error *error);

#endif
