/* Stacks as flamegraph.pl and its kin read them, one a line: "root;caller;leaf 12345", and of two profiles
 * "root;caller;leaf OLD NEW" as difffolded.pl writes them. */
#ifndef HEAPTAP_CLI_FOLDED_H
#define HEAPTAP_CLI_FOLDED_H

#include <stdbool.h>
#include <stdio.h>

#include "cli/summary.h"
#include "cli/term.h"

/* The rows are stacks. False when there is no memory; write errors are left in `out`. */
bool folded_print(const struct summary *summary, const struct term *term, FILE *out, struct heapprofile_error *error);

#endif
