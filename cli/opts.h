/* Command line options from one table: the parser, the help text, the man page and the completions read the same rows,
 * so none of them can fall behind.
 *
 * Spellings: --name, --name=value, --name value, -x, -xvalue, -x value; for rows with `single_dash` also -name. "--"
 * ends the options. "-" is an operand. The first operand may be a command's name, with options before and behind
 * it. Nothing is printed here: errors are one line in `error`, in which arguments are cleaned of control characters.
 *
 * Texts of a table are plain sentences in ASCII, \n\n between paragraphs; `a word` between backquotes is what one
 * types. */
#ifndef HEAPTAP_CLI_OPTS_H
#define HEAPTAP_CLI_OPTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a value is. The parser refuses what is none, and completions offer what could be one. */
enum value_kind {
    VALUE_NONE,     /* the option takes none; the operands that follow are its own where it has an `argument` */
    VALUE_TEXT,     /* anything */
    VALUE_CHOICE,   /* one of `choices` */
    VALUE_NUMBER,   /* 0 and up */
    VALUE_SIZE,     /* 512KiB */
    VALUE_DURATION, /* 30s */
    VALUE_REGEX,    /* anything */
    VALUE_FILE,
    VALUE_DIRECTORY,
    VALUE_PROFILE, /* a file, first of all one of profiles; a directory; a URL */
    VALUE_PID,     /* of a process under libheaptap.so */
    VALUE_COMMAND, /* a program to run, with its arguments */
};

struct option_spec {
    int id;               /* the caller's, greater than 0 */
    char short_name;      /* 0 = none */
    bool single_dash;     /* -name is the same as --name */
    bool is_repeatable;   /* each use adds to those before; of other options the last one counts */
    enum value_kind kind; /* of its value */
    unsigned group;       /* index in the table's groups */
    uint32_t commands;    /* those that know it, as bits 1 << index; 0 = all */
    const char *name;     /* without dashes */
    const char *argument; /* what its value is called: "FILE" */
    const char *choices;  /* "text|json". A choice such as "label:KEY" is any value that begins with "label:".
                             Of another kind than VALUE_CHOICE: words that are values too */
    const char *fallback; /* the value without the option, where it is worth a mention */
    const char *help;     /* half a line, lower case, no full stop */
    const char *more;     /* sentences that only --help and the man page have */
};

struct command_spec {
    const char *name;              /* NULL only for the first: what is done without a name */
    const char *synopsis;          /* lines separated by \n, without the name: "[options] FILE" */
    const char *summary;           /* half a line, lower case, no full stop */
    const char *more;              /* sentences */
    enum value_kind first, others; /* its operands */
    bool runs_command;             /* the first operand and all that follows is a command line, not looked at here */
};

struct opts_row {
    const char *term; /* a variable, a status; of an example the command line */
    const char *text;
};

/* Of the man page alone. */
struct opts_section {
    const char *title;
    const char *text; /* before the rows; NULL = none */
    const struct opts_row *rows;
    size_t row_count;
    bool has_examples; /* the text of a row says what its command line does */
};

struct opts_table {
    const char *program;
    const char *summary; /* half a line, lower case, no full stop */
    const char *more;    /* sentences */
    const struct command_spec *commands;
    size_t command_count; /* 1 to 32 */
    const char *const *groups;
    size_t group_count;
    const struct option_spec *options;
    size_t count;
    const struct opts_section *sections; /* behind the options */
    size_t section_count;
};

enum { OPTS_END = 0, OPTS_OPERAND = -1, OPTS_ERROR = -2 };

struct opts {
    const struct opts_table *table;
    const struct command_spec *command; /* known from opts_begin on */
    int argc;
    const char *const *argv;
    int index;                      /* next argument; after OPTS_END the first that was not looked at */
    const struct option_spec *spec; /* of the option that was returned */
    const char *value;              /* of the option or operand that was returned; NULL for an option without one */
    uint64_t number;                /* where the value is a number, a size in bytes or a duration in nanoseconds */
    unsigned choice;                /* index in the row's choices; the count of them where the value is none */
    bool is_letter;                 /* the option was given as -x */
    bool only_operands;
    int command_index; /* in argv; 0 = no command was named */
    char error[320];
};

/* Looks through the whole command line for the command's name. */
void opts_begin(struct opts *opts, const struct opts_table *table, int argc, const char *const *argv);
/* The id of the next option, or OPTS_OPERAND, OPTS_END or OPTS_ERROR. The command's name is not among the operands. */
int opts_next(struct opts *opts);

/* Whether the command takes the option. */
bool opts_belongs(const struct opts_table *table, const struct option_spec *spec, const struct command_spec *command);
/* "heapdiff trend", or "heapdiff" for the command without a name. Returns `out`. */
char *opts_title(const struct opts_table *table, const struct command_spec *command, char *out, size_t size);
/* The name that the user may have meant by an operand that is none; NULL where none is near. */
const char *opts_near_command(const struct opts_table *table, const char *word);

/* A whole number from 0 to `most`; false for anything else. */
bool opts_parse_count(const char *text, uint64_t most, uint64_t *count);

#endif
