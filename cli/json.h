/* The summary as JSON: every row, raw integers, one schema number that changes when a field changes its
 * meaning. */
#ifndef HEAPTAP_CLI_JSON_H
#define HEAPTAP_CLI_JSON_H

#include <stdio.h>

#include "cli/summary.h"

/* Two profiles:
 * {"schema","view","unit","by","old":{file},"new":{file},"rows":[{"name","file","line","flat":{"old","new",
 * "delta"},"cum":{...}}]}; one profile: "profile" instead of old and new, and flat and cum are numbers. Write
 * errors are left in `out`. */
void json_print(const struct summary *summary, FILE *out);

/* A JSON string with its quotes; bytes that are not UTF-8 become U+FFFD. */
void json_print_string(const char *text, FILE *out);

#endif
