/* The call tree as indented text: which calls led to what changed.
 *
 *     OLD       NEW     DELTA      %  CALLS
 *  13.8Mi    21.5Mi   +7.72Mi   +56%  main
 *  12.7Mi    21.5Mi   +8.74Mi   +69%    serve
 *  12.1Mi    19.6Mi   +7.49Mi   +62%      cache_insert */
#ifndef HEAPTAP_CLI_TREE_TEXT_H
#define HEAPTAP_CLI_TREE_TEXT_H

#include <stdbool.h>
#include <stdio.h>

#include "cli/summary.h"
#include "cli/term.h"

bool tree_text_print(const struct summary *summary, const struct term *term, FILE *out,
                     struct heapprofile_error *error);

#endif
