/* Why a row is, or is not, said to have changed: values, counts, variances and the test, in sentences that can be
 * checked by hand. */
#ifndef HEAPTAP_CLI_EXPLAIN_H
#define HEAPTAP_CLI_EXPLAIN_H

#include <stdbool.h>
#include <stdio.h>

#include "cli/summary.h"
#include "cli/term.h"

/* All rows that have the name that was asked for. */
bool explain_print(const struct summary *summary, const struct term *term, FILE *out, struct heapprofile_error *error);

#endif
