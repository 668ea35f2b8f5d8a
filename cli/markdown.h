/* The summary as a table for a pull request, in GitHub's markdown: what changed in short, the rows, and the others
 * folded away. */
#ifndef HEAPTAP_CLI_MARKDOWN_H
#define HEAPTAP_CLI_MARKDOWN_H

#include <stdbool.h>
#include <stdio.h>

#include "cli/summary.h"
#include "cli/term.h"

/* False when there is no memory; write errors are left in `out`. */
bool markdown_print(const struct summary *summary, const struct term *term, FILE *out, struct heapprofile_error *error);

#endif
