/* The lines above a table: which view of which files, and what they have in common. */
#ifndef HEAPTAP_CLI_TITLE_H
#define HEAPTAP_CLI_TITLE_H

#include <stdbool.h>
#include <stdio.h>

#include "cli/summary.h"
#include "cli/term.h"

enum { TITLE_FACTS_SIZE = 400, TITLE_PATHS_SIZE = 4400 };

/* One line and an empty one; on a terminal it is wrapped. */
void title_print(const struct summary *summary, const struct term *term, FILE *out);

/* "rate 512Ki, same process, 5m 0s apart", or as much of it as the files say. Returns `out`. */
char *title_facts(const struct summary *summary, char out[TITLE_FACTS_SIZE]);
/* The path of a side's file, cleaned, and how many more there are. Returns `out`. */
char *title_paths(const struct summary *summary, enum heapprofile_side side, char out[TITLE_PATHS_SIZE]);

#endif
