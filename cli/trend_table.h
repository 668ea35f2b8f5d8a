/* A trend as a table for people. */
#ifndef HEAPTAP_CLI_TREND_TABLE_H
#define HEAPTAP_CLI_TREND_TABLE_H

#include <stdbool.h>
#include <stdio.h>

#include "cli/term.h"
#include "cli/trend_report.h"

/* False when there is no memory; write errors are left in `out`. */
bool trend_table_print(const struct trend_report *report, const struct term *term, FILE *out);

#endif
