/* The parser is a cursor over argv, not a callback: the caller's loop is one switch over its own ids.
 *
 *   1. an argument that is "-", or does not begin with "-", or follows "--", is an operand
 *   2. "--name" and "--name=value" are looked up by name; "-name" too, in rows with `single_dash`
 *   3. "-x" is looked up by letter; what follows the letter is its value
 *   4. a row that the command does not know is refused; so is a value that is not what the row wants. So every
 *      message about an option looks the same, whoever's option it is
 *
 * The command is the first operand, so opts_begin walks over all arguments once, as any command's options, before the
 * caller sees one. Two rows may have one name, for different commands; whether they take a value is then the same.
 *
 * Locks: none. Allocates nothing. */
#include "cli/opts.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/units.h"
#include "cli/spelling.h"

enum { SHOWN_SIZE = 80 };

/* An argument as it is shown. */
struct shown {
    char text[SHOWN_SIZE];
};

static struct shown show(const char *argument) {
    struct shown shown;
    text_clean(shown.text, sizeof shown.text, argument);
    return shown;
}

static int fail(struct opts *opts, const char *before, const char *subject, const char *after) {
    snprintf(opts->error, sizeof opts->error, "%s'%s'%s", before, show(subject).text, after);
    return OPTS_ERROR;
}

bool opts_belongs(const struct opts_table *table, const struct option_spec *spec, const struct command_spec *command) {
    return !spec->commands || (spec->commands >> (command - table->commands) & 1);
}

char *opts_title(const struct opts_table *table, const struct command_spec *command, char *out, size_t size) {
    snprintf(out, size, "%s%s%s", table->program, command->name ? " " : "", command->name ? command->name : "");
    return out;
}

/* ---- values ---- */

/* True where the value is one of the words; *index is which, or how many there are. */
static bool find_choice(const char *choices, const char *value, unsigned *index) {
    *index = 0;
    for (const char *p = choices; p && *p; (*index)++) {
        size_t length = strcspn(p, "|");
        const char *colon = memchr(p, ':', length);
        size_t head = colon ? (size_t)(colon - p) + 1 : length;
        if (strncmp(p, value, head) == 0 && (colon ? value[head] != '\0' : value[head] == '\0'))
            return true;
        p += length + (p[length] == '|');
    }
    return false;
}

/* NULL where the value is good, else what is wanted. */
static const char *check_value(struct opts *opts, const struct option_spec *spec, const char *value) {
    int64_t nanoseconds = 0;
    opts->number = 0;
    if (find_choice(spec->choices, value, &opts->choice))
        return NULL;
    switch (spec->kind) {
    case VALUE_CHOICE:
        return "";
    case VALUE_NUMBER:
        return opts_parse_count(value, UINT64_MAX, &opts->number) ? NULL : "a number is needed";
    case VALUE_SIZE:
        return units_parse_bytes(value, &opts->number) ? NULL : "a size such as 512KiB is needed";
    case VALUE_DURATION:
        if (!units_parse_duration(value, &nanoseconds) || nanoseconds < 0)
            return "a duration such as 30s is needed";
        opts->number = (uint64_t)nanoseconds;
        return NULL;
    case VALUE_FILE:
    case VALUE_DIRECTORY:
        return *value ? NULL : "a name is needed";
    default:
        return NULL;
    }
}

static int accept_value(struct opts *opts, const struct option_spec *spec, const char *value) {
    const char *wanted = check_value(opts, spec, value);
    opts->value = value;
    if (!wanted)
        return spec->id;
    snprintf(opts->error, sizeof opts->error, "bad value '%s' for '--%s': %s%s%s", show(value).text, spec->name, wanted,
             !spec->choices ? ""
             : *wanted      ? ", or "
                            : "one of ",
             spec->choices ? spec->choices : "");
    return OPTS_ERROR;
}

/* Takes the value from the next argument. */
static int take_value(struct opts *opts, const struct option_spec *spec) {
    if (opts->index >= opts->argc)
        return fail(opts, "option ", opts->argv[opts->index - 1], " needs a value");
    return accept_value(opts, spec, opts->argv[opts->index++]);
}

/* ---- rows ---- */

/* Whether the row is to be taken into account; before the command is known each is. */
static bool is_known(const struct opts *opts, const struct option_spec *spec) {
    return !opts->command || opts_belongs(opts->table, spec, opts->command);
}

static const struct option_spec *find_name(const struct opts *opts, const char *name, bool single, bool of_others) {
    const struct opts_table *table = opts->table;
    size_t length = strcspn(name, "=");
    for (size_t i = 0; i < table->count; i++) {
        const struct option_spec *spec = &table->options[i];
        if ((!single || spec->single_dash) && is_known(opts, spec) != of_others && strlen(spec->name) == length &&
            memcmp(spec->name, name, length) == 0)
            return spec;
    }
    return NULL;
}

static const struct option_spec *find_letter(const struct opts *opts, char letter, bool of_others) {
    const struct opts_table *table = opts->table;
    for (size_t i = 0; i < table->count; i++) {
        const struct option_spec *spec = &table->options[i];
        if (spec->short_name && spec->short_name == letter && is_known(opts, spec) != of_others)
            return spec;
    }
    return NULL;
}

static const struct command_spec *find_owner(const struct opts_table *table, const struct option_spec *spec) {
    const struct command_spec *owner = table->commands;
    while (!opts_belongs(table, spec, owner))
        owner++;
    return owner;
}

/* An option of another command, or of none. */
static int refuse(struct opts *opts, const char *argument) {
    const struct opts_table *table = opts->table;
    const char *name = argument + 1 + (argument[1] == '-');
    const struct option_spec *other = find_name(opts, name, argument[1] != '-', true), *near = NULL;
    char word[40] = "", title[80];
    size_t least = SIZE_MAX;
    if (!other && argument[1] != '-')
        other = find_letter(opts, argument[1], true);
    if (other) {
        opts_title(table, opts->command->name ? opts->command : find_owner(table, other), title, sizeof title);
        snprintf(opts->error, sizeof opts->error,
                 opts->command->name ? "option '%s' is not known to '%s'" : "option '%s' belongs to '%s'",
                 show(argument).text, title);
        return OPTS_ERROR;
    }
    snprintf(word, sizeof word, "%.*s", (int)strcspn(name, "="), name);
    for (size_t i = 0; i < table->count; i++) {
        const struct option_spec *spec = &table->options[i];
        size_t distance = is_known(opts, spec) ? spelling_distance(word, spec->name) : SIZE_MAX;
        if (distance < least && spelling_is_near(word, distance)) {
            least = distance;
            near = spec;
        }
    }
    if (!near)
        return fail(opts, "unknown option ", argument, "");
    snprintf(opts->error, sizeof opts->error, "unknown option '%s' (did you mean '%s%s'?)", show(argument).text,
             near->single_dash ? "-" : "--", near->name);
    return OPTS_ERROR;
}

/* `attached`: the value in the same argument, or NULL. */
static int take_option(struct opts *opts, const struct option_spec *spec, const char *attached, bool is_letter) {
    opts->spec = spec;
    opts->is_letter = is_letter;
    opts->value = NULL;
    if (spec->kind != VALUE_NONE)
        return attached ? accept_value(opts, spec, attached) : take_value(opts, spec);
    if (!attached)
        return spec->id;
    if (is_letter)
        return fail(opts, "unknown option ", opts->argv[opts->index - 1], "");
    return fail(opts, "option ", opts->argv[opts->index - 1], " takes no value");
}

static int parse_option(struct opts *opts, const char *argument) {
    bool single = argument[1] != '-';
    const char *name = argument + (single ? 1 : 2), *equals = strchr(name, '=');
    const struct option_spec *spec = find_name(opts, name, single, false);
    if (spec)
        return take_option(opts, spec, equals ? equals + 1 : NULL, false);
    spec = single ? find_letter(opts, name[0], false) : NULL;
    if (!spec || (spec->kind == VALUE_NONE && name[1]))
        return refuse(opts, argument);
    return take_option(opts, spec, name[1] ? name + 1 : NULL, true);
}

/* ---- the cursor ---- */

static const struct command_spec *find_command(const struct opts_table *table, const char *name) {
    for (size_t i = 0; i < table->command_count; i++)
        if (table->commands[i].name && strcmp(table->commands[i].name, name) == 0)
            return &table->commands[i];
    return NULL;
}

const char *opts_near_command(const struct opts_table *table, const char *word) {
    const char *near = NULL;
    size_t least = SIZE_MAX;
    for (size_t i = 0; i < table->command_count; i++) {
        const char *name = table->commands[i].name;
        size_t distance = name ? spelling_distance(word, name) : SIZE_MAX;
        if (distance < least && spelling_is_near(word, distance)) {
            least = distance;
            near = name;
        }
    }
    return near;
}

void opts_begin(struct opts *opts, const struct opts_table *table, int argc, const char *const *argv) {
    *opts = (struct opts){.table = table, .argc = argc, .argv = argv, .index = 1};
    struct opts ahead = *opts;
    int id;
    do
        id = opts_next(&ahead);
    while (id == OPTS_ERROR || (id > 0 && !(ahead.spec->kind == VALUE_NONE && ahead.spec->argument)));
    if (id == OPTS_OPERAND && !ahead.only_operands)
        opts->command = find_command(table, argv[ahead.index - 1]);
    if (opts->command)
        opts->command_index = ahead.index - 1;
    else
        opts->command = &table->commands[0];
}

static int take_operand(struct opts *opts) {
    if (opts->command && opts->command->runs_command)
        return OPTS_END;
    opts->value = opts->argv[opts->index++];
    return OPTS_OPERAND;
}

int opts_next(struct opts *opts) {
    opts->index += opts->command_index && opts->index == opts->command_index;
    if (opts->index >= opts->argc)
        return OPTS_END;
    const char *argument = opts->argv[opts->index];
    if (opts->only_operands || argument[0] != '-' || !argument[1])
        return take_operand(opts);
    opts->index++;
    if (strcmp(argument, "--") != 0)
        return parse_option(opts, argument);
    opts->only_operands = true;
    return opts_next(opts);
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
