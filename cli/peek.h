/* Who calls a function and whom it calls, as `pprof -peek` shows it: of each row that matches an expression, its
 * callers above it and its callees below.
 *
 *     OLD      NEW     DELTA      %  FUNCTION
 *  12.1Mi   19.6Mi   +7.49Mi   +62%    called by serve
 *  12.1Mi   19.6Mi   +7.49Mi   +62%  cache_insert  src/cache.c:88
 *  12.1Mi   19.6Mi   +7.49Mi   +62%    itself */
#ifndef HEAPTAP_CLI_PEEK_H
#define HEAPTAP_CLI_PEEK_H

#include <stdbool.h>
#include <stdio.h>

#include "cli/summary.h"
#include "cli/term.h"

bool peek_print(const struct summary *summary, const struct term *term, FILE *out, struct heapprofile_error *error);

#endif
