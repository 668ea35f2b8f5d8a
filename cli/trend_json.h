/* A trend as JSON; docs/trend.md has its schema. */
#ifndef HEAPTAP_CLI_TREND_JSON_H
#define HEAPTAP_CLI_TREND_JSON_H

#include <stdbool.h>
#include <stdio.h>

#include "cli/trend_report.h"

/* Every row, with its value in every file. False when there is no memory; write errors are left in `out`. */
bool trend_json_print(const struct trend_report *report, FILE *out);

#endif
