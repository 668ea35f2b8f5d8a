/* Command line options from one table: the parser, the help text and whatever else describes the options (man
 * page, completions) read the same rows, so none of them can fall behind.
 *
 * Spellings: --name, --name=value, --name value, -x, -xvalue, -x value; for rows with `single_dash` also
 * -name. "--" ends the options. "-" is an operand. Nothing is printed here: errors are one line in `error`.
 */
#ifndef HEAPTAP_CLI_OPTS_H
#define HEAPTAP_CLI_OPTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct option_spec {
    int id;               /* the caller's, greater than 0 */
    char short_name;      /* 0 = none */
    bool single_dash;     /* -name is the same as --name */
    const char *name;     /* without dashes */
    const char *argument; /* "FILE"; NULL = the option takes none */
    const char *choices;  /* "text|json": the only values; NULL = any */
    const char *help;     /* lines of the help text are separated by \n */
};

struct opts_table {
    const char *program;  /* as named in messages: "heapdiff" */
    const char *summary;  /* one sentence */
    const char *synopsis; /* lines separated by \n, without the program's name */
    const struct option_spec *options;
    size_t count;
};

enum { OPTS_END = 0, OPTS_OPERAND = -1, OPTS_ERROR = -2 };

struct opts {
    const struct opts_table *table;
    bool stop_at_operand; /* the first operand and all after it are the caller's (a command to run) */
    int argc;
    const char *const *argv;
    int index;         /* next argument; after OPTS_END the first that was not looked at */
    const char *value; /* of the option or operand that was returned */
    bool only_operands;
    char error[200];
};

void opts_begin(struct opts *opts, const struct opts_table *table, int argc, const char *const *argv);
/* The id of the next option, or OPTS_OPERAND, OPTS_END or OPTS_ERROR. */
int opts_next(struct opts *opts);
void opts_print_help(const struct opts_table *table, FILE *out);

/* A whole number from 0 to `most`; false for anything else. */
bool opts_parse_count(const char *text, uint64_t most, uint64_t *count);

#endif
