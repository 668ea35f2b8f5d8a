/* The summary as JSON: every row, raw integers, one schema number that changes when a field changes its meaning. The
 * schema is docs/heapdiff-json.md, against which a test holds what is written here. */
#ifndef HEAPTAP_CLI_JSON_H
#define HEAPTAP_CLI_JSON_H

#include <stdbool.h>
#include <stdio.h>

#include "cli/summary.h"
#include "cli/term.h"

/* Always true; write errors are left in `out`. */
bool json_print(const struct summary *summary, const struct term *term, FILE *out, struct heapprofile_error *error);

/* A JSON string with its quotes; bytes that are not UTF-8 become U+FFFD. */
void json_print_string(const char *text, FILE *out);
/* "null" where it is not finite. */
void json_print_number(double number, FILE *out);

#endif
