/* A trend as one HTML file that fetches nothing: lines over time, with a table to choose them by. */
#ifndef HEAPTAP_CLI_TREND_PAGE_H
#define HEAPTAP_CLI_TREND_PAGE_H

#include <stdbool.h>
#include <stdio.h>

#include "cli/trend_report.h"

/* As many rows as the report says, and the total. Of very many files each point is the mean of several. False when
 * there is no memory; write errors are left in `out`. */
bool trend_page_print(const struct trend_report *report, FILE *out);

#endif
