/* The summary as a table for people. */
#ifndef HEAPTAP_CLI_TABLE_H
#define HEAPTAP_CLI_TABLE_H

#include <stdbool.h>
#include <stdio.h>

#include "cli/summary.h"
#include "cli/term.h"

enum { TABLE_REST_SIZE = 80 };

/* Two profiles: OLD, NEW, DELTA, the change in per cent and its interval, of flat (or cum). One profile: flat and cum
 * with their shares. Then what was left out, and the total. False when there is no memory; write errors are left in
 * `out`. */
bool table_print(const struct summary *summary, const struct term *term, FILE *out, struct heapprofile_error *error);

/* "41 others: +210Ki, 3 changed" */
void table_describe_rest(const struct summary *summary, const struct selection *selection, char out[TABLE_REST_SIZE]);
/* The same in brackets, and what is left of it where there is no room: "[41 others]". */
void table_bracket_rest(const struct summary *summary, const struct selection *selection, char whole[TABLE_REST_SIZE],
                        char brief[TABLE_REST_SIZE]);

#endif
