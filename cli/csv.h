/* The summary as comma-separated values (RFC 4180): a header, every row, raw integers. */
#ifndef HEAPTAP_CLI_CSV_H
#define HEAPTAP_CLI_CSV_H

#include <stdbool.h>
#include <stdio.h>

#include "cli/summary.h"
#include "cli/term.h"

/* Always true; write errors are left in `out`. */
bool csv_print(const struct summary *summary, const struct term *term, FILE *out, struct heapprofile_error *error);

#endif
