/* A comparison as a differential flame graph: one HTML file to look around in, that fetches nothing. Nodes beyond what
 * a page can carry are folded into one of their parent's; what is folded is counted and shown. */
#ifndef HEAPTAP_CLI_FLAMEGRAPH_H
#define HEAPTAP_CLI_FLAMEGRAPH_H

#include <stdbool.h>
#include <stdio.h>

#include "cli/summary.h"
#include "cli/term.h"
#include "heapprofile.h"

/* The summary's comparison should have all views that a reader may want to switch to; its own is shown first. False
 * with a line in `error`; what could not be written is the stream's error. */
bool flamegraph_print(const struct summary *summary, const struct term *term, FILE *out,
                      struct heapprofile_error *error);

#endif
