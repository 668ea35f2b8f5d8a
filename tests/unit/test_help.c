/* The help text at every width: it fits, it names what the command takes and nothing else, and loses no word. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/heapdiff_options.h"
#include "cli/heaptap_options.h"
#include "cli/help.h"

static char *write_help(const struct opts_table *table, const struct command_spec *command, bool is_long,
                        unsigned width) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    help_write(table, command, is_long, width, out);
    assert_int_equal(fclose(out), 0);
    return text;
}

/* No line is wider, but where one word alone is. Nor is there a blank at a line's end. */
static void assert_fits(const char *text, unsigned width) {
    for (const char *line = text; *line;) {
        size_t length = strcspn(line, "\n");
        size_t indent = strspn(line, " ");
        assert_true(length <= width || !memchr(line + indent, ' ', length - indent));
        assert_true(!length || line[length - 1] != ' ');
        line += length + (line[length] == '\n');
    }
}

/* All that is not blank. */
static char *squeeze(char *text) {
    char *out = text;
    for (const char *p = text; *p; p++)
        if (*p != ' ' && *p != '\n')
            *out++ = *p;
    *out = '\0';
    return text;
}

static void each(void (*check)(const struct opts_table *table, const struct command_spec *command)) {
    static const struct opts_table *const tables[] = {&heapdiff_options, &heaptap_options};
    for (size_t i = 0; i < 2; i++)
        for (size_t j = 0; j < tables[i]->command_count; j++)
            check(tables[i], &tables[i]->commands[j]);
}

static void check_widths(const struct opts_table *table, const struct command_spec *command) {
    for (int is_long = 0; is_long < 2; is_long++) {
        char *widest = squeeze(write_help(table, command, is_long, 1000));
        for (unsigned width = 40; width <= 210; width++) {
            char *text = write_help(table, command, is_long, width);
            assert_fits(text, width);
            assert_string_equal(squeeze(text), widest);
            free(text);
        }
        free(widest);
    }
}

static void check_options(const struct opts_table *table, const struct command_spec *command) {
    char *brief = write_help(table, command, false, 80), *whole = write_help(table, command, true, 1000);
    for (size_t i = 0; i < table->count; i++) {
        const struct option_spec *spec = &table->options[i];
        char line[200];
        if (!opts_belongs(table, spec, command))
            continue;
        snprintf(line, sizeof line, "%s%s%s%s ", spec->short_name ? ", " : "      ", spec->single_dash ? "-" : "--",
                 spec->name, spec->argument ? " " : "");
        if (spec->argument)
            strcpy(line + strlen(line) - 1, spec->argument);
        assert_non_null(strstr(brief, line));
        assert_non_null(strstr(whole, line));
        assert_non_null(strstr(whole, table->groups[spec->group]));
    }
    free(brief);
    free(whole);
}

static void fits_at_every_width(void **state) {
    (void)state;
    each(check_widths);
}

static void names_what_the_command_takes(void **state) {
    (void)state;
    each(check_options);
    char *text = write_help(&heapdiff_options, &heapdiff_options.commands[COMMAND_MERGE], true, 80);
    assert_null(strstr(text, "--by"));
    assert_null(strstr(text, "Rows"));
    assert_true(strncmp(text, "usage: heapdiff merge FILE... -o OUT\n\nAdd profiles up.\n", 50) == 0);
    free(text);
}

static void describes_values(void **state) {
    (void)state;
    char out[HELP_TEXT_SIZE];
    const struct option_spec spec = {.kind = VALUE_CHOICE,
                                     .name = "by",
                                     .is_repeatable = true,
                                     .choices = "line|file|label:KEY",
                                     .fallback = "line",
                                     .help = "what a row is"};
    assert_string_equal(help_describe(&spec, out),
                        "what a row is: line, file or label:KEY; may be repeated (default: line)");
    const struct option_spec words = {.kind = VALUE_TEXT, .choices = "a|b", .help = "a view"};
    assert_string_equal(help_describe(&words, out), "a view");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fits_at_every_width),
        cmocka_unit_test(names_what_the_command_takes),
        cmocka_unit_test(describes_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
