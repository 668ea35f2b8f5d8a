/* The option table's parser: every spelling, every refusal, the commands; and the tables of both tools. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/options.h"
#include "cli/command_line.h"
#include "cli/heapdiff_options.h"
#include "cli/heaptap_options.h"
#include "cli/opts.h"

enum { ID_COUNT = 1, ID_FORMAT, ID_VIEW, ID_BY, ID_SIZE, ID_TIME, ID_OLD, ID_OUTPUT, ID_HELP };
enum { SHOW, TREND, RUN };

static const struct command_spec commands[] = {
    [SHOW] = {.synopsis = "[options] FILE"},
    [TREND] = {.name = "trend", .synopsis = "FILE..."},
    [RUN] = {.name = "run", .synopsis = "CMD", .runs_command = true},
};
static const struct option_spec rows[] = {
    {.id = ID_COUNT, .short_name = 'n', .kind = VALUE_NUMBER, .name = "count", .argument = "N", .help = "how many"},
    {.id = ID_FORMAT, .kind = VALUE_CHOICE, .name = "format", .argument = "F", .choices = "text|json", .help = "form"},
    {.id = ID_VIEW, .single_dash = true, .name = "inuse_space", .help = "a view"},
    {.id = ID_BY,
     .kind = VALUE_CHOICE,
     .commands = 1 << SHOW,
     .name = "by",
     .argument = "W",
     .choices = "line|label:KEY",
     .help = "row"},
    {.id = ID_SIZE,
     .kind = VALUE_SIZE,
     .commands = 1 << TREND,
     .name = "limit",
     .argument = "S",
     .choices = "off",
     .help = "limit"},
    {.id = ID_TIME, .kind = VALUE_DURATION, .name = "timeout", .argument = "T", .help = "time"},
    {.id = ID_OLD, .name = "old", .argument = "FILE...", .help = "side"},
    {.id = ID_OUTPUT, .short_name = 'o', .kind = VALUE_FILE, .name = "output", .argument = "FILE", .help = "out"},
    {.id = ID_HELP, .short_name = 'h', .name = "help", .help = "this text"},
};
static const struct opts_table table = {.program = "tool",
                                        .summary = "do things",
                                        .commands = commands,
                                        .command_count = 3,
                                        .options = rows,
                                        .count = sizeof rows / sizeof *rows};

static struct opts opts;

/* The first answer; the arguments end with NULL. */
static int first(const char *const *argv) {
    int argc = 0;
    while (argv[argc])
        argc++;
    opts_begin(&opts, &table, argc, argv);
    return opts_next(&opts);
}
#define FIRST(...) first((const char *const[]){"t", __VA_ARGS__, NULL})

static void spellings_of_a_value(void **state) {
    (void)state;
    const char *const forms[][4] = {
        {"t", "-n5", NULL}, {"t", "-n", "5", NULL}, {"t", "--count", "5", NULL}, {"t", "--count=5", NULL}};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(first(forms[i]), ID_COUNT);
        assert_string_equal(opts.value, "5");
        assert_int_equal(opts.number, 5);
        assert_int_equal(opts.is_letter, i < 2);
        assert_ptr_equal(opts.spec, &rows[0]);
        assert_int_equal(opts_next(&opts), OPTS_END);
    }
}

static void single_dash_only_where_the_table_says(void **state) {
    (void)state;
    assert_int_equal(FIRST("-inuse_space"), ID_VIEW);
    assert_null(opts.value);
    assert_int_equal(FIRST("--inuse_space"), ID_VIEW);
    assert_int_equal(FIRST("-format=json"), OPTS_ERROR);
    assert_string_equal(opts.error, "unknown option '-format=json' (did you mean '--format'?)");
}

static void values_of_every_kind(void **state) {
    (void)state;
    assert_int_equal(FIRST("--format", "json"), ID_FORMAT);
    assert_int_equal(opts.choice, 1);
    assert_int_equal(FIRST("--by=label:thread"), ID_BY);
    assert_int_equal(opts.choice, 1);
    assert_int_equal(FIRST("--by=line"), ID_BY);
    assert_int_equal(opts.choice, 0);
    assert_int_equal(FIRST("trend", "--limit", "2GiB"), ID_SIZE);
    assert_int_equal(opts.number, 2ull << 30);
    assert_int_equal(opts.choice, 1); /* none */
    assert_int_equal(FIRST("trend", "--limit", "off"), ID_SIZE);
    assert_int_equal(opts.choice, 0);
    assert_int_equal(FIRST("--timeout", "2m"), ID_TIME);
    assert_int_equal(opts.number, 120000000000);
}

static void refusals(void **state) {
    (void)state;
    static const struct {
        const char *argv[5], *error;
    } cases[] = {
        {{"t", "--format=xml"}, "bad value 'xml' for '--format': one of text|json"},
        {{"t", "--format="}, "bad value '' for '--format': one of text|json"},
        {{"t", "--format=tex"}, "bad value 'tex' for '--format': one of text|json"},
        {{"t", "--format=textual"}, "bad value 'textual' for '--format': one of text|json"},
        {{"t", "--format=text|json"}, "bad value 'text|json' for '--format': one of text|json"},
        {{"t", "--by=label:"}, "bad value 'label:' for '--by': one of line|label:KEY"},
        {{"t", "--by=label"}, "bad value 'label' for '--by': one of line|label:KEY"},
        {{"t", "--count"}, "option '--count' needs a value"},
        {{"t", "-n"}, "option '-n' needs a value"},
        {{"t", "-nx"}, "bad value 'x' for '--count': a number is needed"},
        {{"t", "--timeout", "-1s"}, "bad value '-1s' for '--timeout': a duration such as 30s is needed"},
        {{"t", "trend", "--limit=x"}, "bad value 'x' for '--limit': a size such as 512KiB is needed, or off"},
        {{"t", "--output="}, "bad value '' for '--output': a name is needed"},
        {{"t", "--help=x"}, "option '--help=x' takes no value"},
        {{"t", "--old=x"}, "option '--old=x' takes no value"},
        {{"t", "-hn"}, "unknown option '-hn'"},
        {{"t", "--nothing"}, "unknown option '--nothing'"},
        {{"t", "--fromat", "text"}, "unknown option '--fromat' (did you mean '--format'?)"},
        {{"t", "--form=text"}, "unknown option '--form=text' (did you mean '--format'?)"},
        {{"t", "--inuse-space"}, "unknown option '--inuse-space' (did you mean '-inuse_space'?)"},
        {{"t", "--a\033[2Jb"}, "unknown option '--a?[2Jb'"},
        {{"t", "-limit", "1"}, "unknown option '-limit'"},
        {{"t", "--limit", "1"}, "option '--limit' belongs to 'tool trend'"},
        {{"t", "trend", "--by", "line"}, "option '--by' is not known to 'tool trend'"},
        {{"t", "--by", "line", "trend"}, "option '--by' is not known to 'tool trend'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(first(cases[i].argv), OPTS_ERROR);
        assert_string_equal(opts.error, cases[i].error);
    }
}

static void operands_and_the_double_dash(void **state) {
    (void)state;
    assert_int_equal(FIRST("-", "--", "-h"), OPTS_OPERAND);
    assert_string_equal(opts.value, "-");
    assert_int_equal(opts_next(&opts), OPTS_OPERAND);
    assert_string_equal(opts.value, "-h");
    assert_int_equal(opts_next(&opts), OPTS_END);
    assert_int_equal(FIRST("--", "--"), OPTS_OPERAND);
    assert_string_equal(opts.value, "--");
}

/* Its name is found wherever it stands, is no operand, and is one only as the first. */
static void commands_by_name(void **state) {
    (void)state;
    assert_int_equal(FIRST("-n", "trend", "-h"), OPTS_ERROR); /* a value */
    assert_ptr_equal(opts.command, &commands[SHOW]);
    assert_int_equal(FIRST("-n", "3", "trend", "a", "trend"), ID_COUNT);
    assert_ptr_equal(opts.command, &commands[TREND]);
    assert_int_equal(opts_next(&opts), OPTS_OPERAND);
    assert_string_equal(opts.value, "a");
    assert_int_equal(opts_next(&opts), OPTS_OPERAND);
    assert_string_equal(opts.value, "trend");
    assert_int_equal(opts_next(&opts), OPTS_END);
    assert_int_equal(FIRST("--", "trend"), OPTS_OPERAND);
    assert_ptr_equal(opts.command, &commands[SHOW]);
    assert_int_equal(FIRST("--old", "trend"), ID_OLD); /* what follows is the option's */
    assert_ptr_equal(opts.command, &commands[SHOW]);
    assert_int_equal(FIRST("--nothing", "trend"), OPTS_ERROR);
    assert_ptr_equal(opts.command, &commands[TREND]);

    assert_int_equal(FIRST("-h", "run", "-h", "cmd", "-x"), ID_HELP);
    assert_int_equal(opts_next(&opts), ID_HELP);
    assert_int_equal(opts_next(&opts), OPTS_END);
    assert_int_equal(opts.index, 4);
    assert_int_equal(FIRST("run", "--", "-x"), OPTS_END);
    assert_int_equal(opts.index, 3);
    assert_int_equal(FIRST("run"), OPTS_END);
    assert_int_equal(opts.index, 2);

    assert_string_equal(opts_near_command(&table, "tredn"), "trend");
    assert_null(opts_near_command(&table, "profile.pb.gz"));
}

static void counts(void **state) {
    (void)state;
    uint64_t n = 7;
    assert_true(opts_parse_count("0", 10, &n) && n == 0);
    assert_true(opts_parse_count("10", 10, &n) && n == 10);
    assert_false(opts_parse_count("11", 10, &n));
    assert_false(opts_parse_count("", 10, &n));
    assert_false(opts_parse_count("-1", 10, &n));
    assert_false(opts_parse_count("18446744073709551616", UINT64_MAX, &n));
}

/* ---- the tools' own tables ---- */

static void assert_text(const char *text) {
    for (; text && *text; text++)
        assert_true(*text == '\n' || (*text >= ' ' && *text <= '~'));
}

static void assert_row(const struct option_spec *spec) {
    size_t length = strlen(spec->help);
    assert_true(spec->id > 0);
    assert_true(spec->kind == VALUE_NONE || spec->argument);
    assert_true(spec->kind != VALUE_CHOICE || strchr(spec->choices, '|'));
    /* Where the caller has a number of its own, 0 is the first choice. */
    assert_true(spec->kind != VALUE_CHOICE || !spec->fallback ||
                strncmp(spec->choices, spec->fallback, strcspn(spec->choices, "|")) == 0);
    assert_true(length > 0 && length < 100 && spec->help[length - 1] != '.');
    assert_true(!spec->more || spec->more[strlen(spec->more) - 1] == '.');
    assert_text(spec->help);
    assert_text(spec->more);
}

/* Two rows of one name or letter: never for one command, and both take a value or neither does. */
static void assert_pair(const struct option_spec *a, const struct option_spec *b) {
    if (strcmp(a->name, b->name) != 0 && (!a->short_name || a->short_name != b->short_name))
        return;
    assert_true(a->commands && b->commands && !(a->commands & b->commands));
    assert_int_equal(a->kind == VALUE_NONE, b->kind == VALUE_NONE);
}

static void assert_table(const struct opts_table *all) {
    assert_true(all->command_count >= 1 && all->command_count <= 32 && !all->commands[0].name);
    assert_text(all->more);
    for (size_t i = 1; i < all->command_count; i++) {
        assert_non_null(all->commands[i].name);
        assert_non_null(all->commands[i].summary);
        assert_text(all->commands[i].more);
    }
    for (size_t i = 0; i < all->count; i++) {
        assert_row(&all->options[i]);
        assert_true(all->options[i].group < all->group_count);
        assert_true(all->command_count == 32 || !(all->options[i].commands >> all->command_count));
        for (size_t j = 0; j < i; j++)
            assert_pair(&all->options[i], &all->options[j]);
    }
}

static void tables_are_sound(void **state) {
    (void)state;
    assert_table(&heapdiff_options);
    assert_table(&heaptap_options);
}

/* Every setting of the library is told of, and is by default what is told. */
static void settings_are_those_of_the_library(void **state) {
    (void)state;
    static struct options defaults, set;
    size_t count = 0;
    options_set_defaults(&defaults);
    for (const char *name; (name = options_variable(count)); count++) {
        const struct heaptap_setting *setting = heaptap_settings;
        while (setting < heaptap_settings + heaptap_setting_count && strcmp(setting->variable, name) != 0)
            setting++;
        assert_true(setting < heaptap_settings + heaptap_setting_count);
        assert_non_null(options_want(name));
        if (!setting->fallback || !options_accept(name, setting->fallback))
            continue; /* a word for people: "random" */
        char text[200];
        snprintf(text, sizeof text, "%s=%s", name, setting->fallback);
        char *const environment[] = {(char[]){"HEAPTAP_DUMP=x"}, text, NULL};
        options_read(&set, environment);
        set.dump_pattern[0] = '\0';
        set.dump_on_exit = set.dump_on_exit && defaults.dump_on_exit;
        assert_memory_equal(&set, &defaults, offsetof(struct options, control_path));
    }
    assert_int_equal(count, heaptap_setting_count);
}

static void rows_by_default_are_those_of_the_table(void **state) {
    (void)state;
    struct command_line line;
    struct heapprofile_error error;
    char *argv[] = {(char[]){"heapdiff"}, (char[]){"x"}, NULL};
    assert_true(command_line_read(&line, 2, argv, &error));
    for (size_t i = 0; i < heapdiff_options.count; i++) {
        const struct option_spec *spec = &heapdiff_options.options[i];
        if (spec->id == OPT_ROWS)
            assert_int_equal(line.request.most_rows, strtoul(spec->fallback, NULL, 10));
    }
    command_line_free(&line);
}

/* A word that is no file and nearly a command's name. */
static void commands_nearly_named(void **state) {
    (void)state;
    struct command_line line;
    struct heapprofile_error error;
    char *argv[] = {(char[]){"heapdiff"}, (char[]){"symbolise"}, (char[]){"a"}, (char[]){"b"}, NULL};
    assert_false(command_line_read(&line, 4, argv, &error));
    assert_string_equal(error.text, "no file and no command is named 'symbolise' (did you mean 'symbolize'?)");
    command_line_free(&line);
    argv[1] = (char[]){"symbolise.pb"};
    assert_false(command_line_read(&line, 4, argv, &error));
    assert_null(strstr(error.text, "did you mean"));
    command_line_free(&line);
}

static void options_of_run_set_what_there_is(void **state) {
    (void)state;
    for (size_t i = 0; i < heaptap_options.count; i++) {
        const struct option_spec *spec = &heaptap_options.options[i];
        size_t found = 0;
        for (size_t j = 0; j < heaptap_setting_count; j++)
            found += heaptap_settings[j].option == spec->id;
        assert_int_equal(found, spec->commands == 1 << COMMAND_RUN);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spellings_of_a_value),
        cmocka_unit_test(single_dash_only_where_the_table_says),
        cmocka_unit_test(values_of_every_kind),
        cmocka_unit_test(refusals),
        cmocka_unit_test(operands_and_the_double_dash),
        cmocka_unit_test(commands_by_name),
        cmocka_unit_test(counts),
        cmocka_unit_test(tables_are_sound),
        cmocka_unit_test(settings_are_those_of_the_library),
        cmocka_unit_test(rows_by_default_are_those_of_the_table),
        cmocka_unit_test(commands_nearly_named),
        cmocka_unit_test(options_of_run_set_what_there_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
