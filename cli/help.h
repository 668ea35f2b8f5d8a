/* The help text of a command, made from the option table. */
#ifndef HEAPTAP_CLI_HELP_H
#define HEAPTAP_CLI_HELP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "cli/opts.h"

enum { HELP_TEXT_SIZE = 1024 };

/* For -h a line an option; for --help all that the table says, in groups. As wide as the terminal, or 80 columns. */
void help_print(const struct opts *opts, FILE *out);
void help_write(const struct opts_table *table, const struct command_spec *command, bool is_long, unsigned width,
                FILE *out);

/* What is said of an option in half a line: help, choices, the value without it. Returns `out`. */
char *help_describe(const struct option_spec *spec, char out[HELP_TEXT_SIZE]);

#endif
