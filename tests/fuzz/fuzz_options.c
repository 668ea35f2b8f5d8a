/* Any command line of either program: the parser answers each argument or the end, never looks behind the last one,
 * and what it returns is what the table allows. The help of the command that it found can be written.
 *
 * First byte: the program; whether its parser stops at an error, as the programs do, or goes on; whether the help is
 * written. Then the arguments, each ended by a NUL. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "cli/heapdiff_options.h"
#include "cli/heaptap_options.h"
#include "cli/help.h"
#include "cli/opts.h"

enum { MOST_ARGUMENTS = 64, HELP_WIDTH = 80 };

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

/* One of the words, or behind the colon of one that has a colon. */
static bool is_choice(const char *choices, const char *value) {
    char words[400];
    CHECK(snprintf(words, sizeof words, "%s", choices) < (int)sizeof words);
    for (char *rest = words, *word; (word = strsep(&rest, "|"));) {
        char *colon = strchr(word, ':');
        if (colon ? strncmp(word, value, (size_t)(colon + 1 - word)) == 0 && value[colon + 1 - word]
                  : strcmp(word, value) == 0)
            return true;
    }
    return false;
}

static bool is_number(const char *value) { return *value && strspn(value, "0123456789") == strlen(value); }

static void check_option(const struct opts *opts, int id) {
    const struct option_spec *spec = opts->spec;
    CHECK(spec && spec->id == id && opts_belongs(opts->table, spec, opts->command));
    CHECK((spec->kind == VALUE_NONE) == !opts->value);
    if (spec->kind == VALUE_CHOICE)
        CHECK(is_choice(spec->choices, opts->value));
    if (spec->kind == VALUE_NUMBER)
        CHECK(is_number(opts->value) && opts->number == strtoull(opts->value, NULL, 10));
    if (spec->kind == VALUE_FILE || spec->kind == VALUE_DIRECTORY)
        CHECK(*opts->value);
    CHECK(!opts->only_operands);
}

/* The value lies in one of the arguments: at its begin, or somewhere in an option's. */
static void check_place(const struct opts *opts) {
    bool found = !opts->value;
    for (int i = 1; i < opts->argc && !found; i++)
        found = opts->value >= opts->argv[i] && opts->value <= opts->argv[i] + strlen(opts->argv[i]);
    CHECK(found);
}

static void check_help(const struct opts *opts) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    CHECK(out);
    help_write(opts->table, opts->command, !opts->is_letter, HELP_WIDTH, out);
    CHECK(fclose(out) == 0 && size > 100);
    free(text);
}

static void parse(const struct opts_table *table, bool goes_on, bool with_help, int argc, const char *const *argv) {
    struct opts opts;
    int id, answers = 0, operands = 0;
    opts_begin(&opts, table, argc, argv);
    CHECK(opts.command >= table->commands && opts.command < table->commands + table->command_count);
    CHECK(!opts.command_index || strcmp(argv[opts.command_index], opts.command->name) == 0);
    while ((id = opts_next(&opts)) != OPTS_END) {
        CHECK(++answers < argc && opts.index <= argc);
        if (id == OPTS_ERROR) {
            size_t length = strlen(opts.error);
            CHECK(length > 0 && length < sizeof opts.error);
            for (size_t i = 0; i < length; i++) /* one line, whatever was typed */
                CHECK((unsigned char)opts.error[i] >= ' ');
            if (!goes_on)
                break;
            continue;
        }
        check_place(&opts);
        if (id > 0)
            check_option(&opts, id);
        else
            CHECK(id == OPTS_OPERAND && !opts.command->runs_command && opts.value && ++operands);
    }
    CHECK(opts.index <= argc);
    CHECK(id != OPTS_END || opts.index == argc || opts.command->runs_command);
    CHECK(id != OPTS_END || opts_next(&opts) == OPTS_END);
    if (with_help)
        check_help(&opts);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
    /* Each argument is a block of its own and so is argv, without a NULL at its end: reading past either is found out.
     */
    char *arguments[MOST_ARGUMENTS];
    int argc = 0;
    if (!size)
        return 0;
    arguments[argc++] = strdup("program");
    for (const unsigned char *p = data + 1, *end = data + size; p < end && argc < MOST_ARGUMENTS;) {
        size_t length = strnlen((const char *)p, (size_t)(end - p));
        arguments[argc++] = strndup((const char *)p, length);
        p += length + 1;
    }
    const char **argv = malloc((size_t)argc * sizeof *argv);
    CHECK(argv);
    for (int i = 0; i < argc; i++)
        argv[i] = arguments[i];
    parse(data[0] & 1 ? &heaptap_options : &heapdiff_options, data[0] & 2, data[0] & 4, argc, argv);
    for (int i = 0; i < argc; i++)
        free(arguments[i]);
    free(argv);
    return 0;
}
