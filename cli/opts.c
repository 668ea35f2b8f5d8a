/* The parser is a cursor over argv, not a callback: the caller's loop is one switch over its own ids.
 *
 *   1. an argument that is "-", or does not begin with "-", or follows "--", is an operand
 *   2. "--name" and "--name=value" are looked up by name; "-name" too, in rows with `single_dash`
 *   3. "-x" is looked up by letter; what follows the letter is its value, or the next letter of a bundle
 *   4. a value is checked against the row's choices here, so every message about an option looks the same
 *
 * Locks: none. Allocates nothing. */
#include "cli/opts.h"

#include <string.h>

enum { HELP_COLUMN = 28 };

void opts_begin(struct opts *opts, const struct opts_table *table, int argc, const char *const *argv) {
    *opts = (struct opts){.table = table, .argc = argc, .argv = argv, .index = 1};
}

static int fail(struct opts *opts, const char *before, const char *subject, const char *after) {
    snprintf(opts->error, sizeof opts->error, "%s'%.100s'%s", before, subject, after);
    return OPTS_ERROR;
}

static bool is_choice(const char *choices, const char *value) {
    size_t length = strlen(value);
    for (const char *p = choices; p; p = strchr(p, '|') ? strchr(p, '|') + 1 : NULL)
        if (length && strncmp(p, value, length) == 0 && (p[length] == '|' || !p[length]))
            return true;
    return false;
}

static int accept_value(struct opts *opts, const struct option_spec *spec, const char *value) {
    if (spec->choices && !is_choice(spec->choices, value)) {
        snprintf(opts->error, sizeof opts->error, "bad value '%.60s' for '--%s': one of %s", value, spec->name,
                 spec->choices);
        return OPTS_ERROR;
    }
    opts->value = value;
    return spec->id;
}

/* Takes the value from the next argument. */
static int take_value(struct opts *opts, const struct option_spec *spec) {
    if (opts->index >= opts->argc)
        return fail(opts, "option ", opts->argv[opts->index - 1], " needs a value");
    return accept_value(opts, spec, opts->argv[opts->index++]);
}

static const struct option_spec *find_name(const struct opts_table *table, const char *name, size_t length,
                                           bool single) {
    for (size_t i = 0; i < table->count; i++) {
        const struct option_spec *spec = &table->options[i];
        if ((!single || spec->single_dash) && strlen(spec->name) == length && memcmp(spec->name, name, length) == 0)
            return spec;
    }
    return NULL;
}

static int parse_name(struct opts *opts, const struct option_spec *spec, const char *equals) {
    opts->value = NULL;
    if (!spec->argument)
        return equals ? fail(opts, "option ", opts->argv[opts->index - 1], " takes no value") : spec->id;
    return equals ? accept_value(opts, spec, equals + 1) : take_value(opts, spec);
}

static int parse_letter(struct opts *opts, const char *argument) {
    for (size_t i = 0; i < opts->table->count; i++) {
        const struct option_spec *spec = &opts->table->options[i];
        if (!spec->short_name || spec->short_name != argument[1])
            continue;
        opts->value = NULL;
        if (!spec->argument)
            return argument[2] ? fail(opts, "unknown option ", argument, "") : spec->id;
        return argument[2] ? accept_value(opts, spec, argument + 2) : take_value(opts, spec);
    }
    return fail(opts, "unknown option ", argument, "");
}

static int take_operand(struct opts *opts) {
    if (opts->stop_at_operand)
        return OPTS_END;
    opts->value = opts->argv[opts->index++];
    return OPTS_OPERAND;
}

int opts_next(struct opts *opts) {
    if (opts->index >= opts->argc)
        return OPTS_END;
    const char *argument = opts->argv[opts->index];
    if (opts->only_operands || argument[0] != '-' || !argument[1])
        return take_operand(opts);
    opts->index++;
    if (strcmp(argument, "--") == 0) {
        opts->only_operands = true;
        return opts_next(opts);
    }
    bool single = argument[1] != '-';
    const char *name = argument + (single ? 1 : 2);
    size_t length = strcspn(name, "=");
    const struct option_spec *spec = find_name(opts->table, name, length, single);
    if (spec)
        return parse_name(opts, spec, name[length] ? name + length : NULL);
    return single ? parse_letter(opts, argument) : fail(opts, "unknown option ", argument, "");
}

static void print_indented(FILE *out, const char *text, int column) {
    for (const char *line = text; line;) {
        int length = (int)strcspn(line, "\n");
        fprintf(out, "%.*s\n", length, line);
        line = line[length] ? line + length + 1 : NULL;
        if (line)
            fprintf(out, "%*s", column, "");
    }
}

static void print_option(const struct option_spec *spec, FILE *out) {
    char left[100];
    char letter[] = {'-', spec->short_name, ',', ' ', 0};
    snprintf(left, sizeof left, "  %s%s%s%s%s", spec->short_name ? letter : "    ", spec->single_dash ? "-" : "--",
             spec->name, spec->argument ? " " : "",
             spec->choices    ? spec->choices
             : spec->argument ? spec->argument
                              : "");
    if (strlen(left) > HELP_COLUMN - 2)
        fprintf(out, "%s\n%*s", left, HELP_COLUMN, "");
    else
        fprintf(out, "%-*s", HELP_COLUMN, left);
    print_indented(out, spec->help, HELP_COLUMN);
}

void opts_print_help(const struct opts_table *table, FILE *out) {
    const char *lead = "usage:";
    for (const char *line = table->synopsis; line; lead = "      ") {
        int length = (int)strcspn(line, "\n");
        fprintf(out, "%s %s %.*s\n", lead, table->program, length, line);
        line = line[length] ? line + length + 1 : NULL;
    }
    fprintf(out, "\n%s\n\n", table->summary);
    for (size_t i = 0; i < table->count; i++)
        print_option(&table->options[i], out);
}

bool opts_parse_count(const char *text, uint64_t most, uint64_t *count) {
    uint64_t total = 0;
    if (!*text)
        return false;
    for (const char *p = text; *p; p++) {
        if (*p < '0' || *p > '9' || __builtin_mul_overflow(total, 10, &total) ||
            __builtin_add_overflow(total, (uint64_t)(*p - '0'), &total) || total > most)
            return false;
    }
    *count = total;
    return true;
}
