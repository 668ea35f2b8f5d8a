/* The option table's parser: every spelling, every refusal, and the help text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/opts.h"

enum { ID_COUNT = 1, ID_FORMAT, ID_VIEW, ID_HELP };

static const struct option_spec rows[] = {
    {ID_COUNT, 'n', false, "count", "N", NULL, "how many"},
    {ID_FORMAT, 0, false, "format", "FORMAT", "text|json", "what comes out"},
    {ID_VIEW, 0, true, "inuse_space", NULL, NULL, "a view"},
    {ID_HELP, 'h', false, "help", NULL, NULL, "this text"},
};
static const struct opts_table table = {"tool", "Does things.", "[options] FILE\nother FILE", rows, 4};

static int next(struct opts *opts, int argc, const char *const *argv) {
    opts_begin(opts, &table, argc, argv);
    return opts_next(opts);
}

static void spellings_of_a_value(void **state) {
    (void)state;
    const char *const forms[][3] = {
        {"t", "-n5", NULL}, {"t", "-n", "5"}, {"t", "--count", "5"}, {"t", "--count=5", NULL}};
    for (size_t i = 0; i < 4; i++) {
        struct opts opts;
        assert_int_equal(next(&opts, forms[i][2] ? 3 : 2, forms[i]), ID_COUNT);
        assert_string_equal(opts.value, "5");
        assert_int_equal(opts_next(&opts), OPTS_END);
    }
}

static void single_dash_only_where_the_table_says(void **state) {
    (void)state;
    struct opts opts;
    assert_int_equal(next(&opts, 2, (const char *const[]){"t", "-inuse_space"}), ID_VIEW);
    assert_int_equal(next(&opts, 2, (const char *const[]){"t", "--inuse_space"}), ID_VIEW);
    assert_int_equal(next(&opts, 2, (const char *const[]){"t", "-format=json"}), OPTS_ERROR);
    assert_string_equal(opts.error, "unknown option '-format=json'");
}

static void refusals(void **state) {
    (void)state;
    struct opts opts;
    assert_int_equal(next(&opts, 2, (const char *const[]){"t", "--format=xml"}), OPTS_ERROR);
    assert_string_equal(opts.error, "bad value 'xml' for '--format': one of text|json");
    assert_int_equal(next(&opts, 2, (const char *const[]){"t", "--format="}), OPTS_ERROR);
    assert_int_equal(next(&opts, 2, (const char *const[]){"t", "--format=tex"}), OPTS_ERROR);
    assert_int_equal(next(&opts, 2, (const char *const[]){"t", "--count"}), OPTS_ERROR);
    assert_string_equal(opts.error, "option '--count' needs a value");
    assert_int_equal(next(&opts, 2, (const char *const[]){"t", "--help=x"}), OPTS_ERROR);
    assert_int_equal(next(&opts, 2, (const char *const[]){"t", "-hn"}), OPTS_ERROR);
    assert_int_equal(next(&opts, 2, (const char *const[]){"t", "--nothing"}), OPTS_ERROR);
}

static void operands_and_the_double_dash(void **state) {
    (void)state;
    struct opts opts;
    const char *const argv[] = {"t", "-", "--", "-h"};
    assert_int_equal(next(&opts, 4, argv), OPTS_OPERAND);
    assert_string_equal(opts.value, "-");
    assert_int_equal(opts_next(&opts), OPTS_OPERAND);
    assert_string_equal(opts.value, "-h");
    assert_int_equal(opts_next(&opts), OPTS_END);

    opts_begin(&opts, &table, 4, (const char *const[]){"t", "-h", "cmd", "-x"});
    opts.stop_at_operand = true;
    assert_int_equal(opts_next(&opts), ID_HELP);
    assert_int_equal(opts_next(&opts), OPTS_END);
    assert_int_equal(opts.index, 2);
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

static void help_names_every_option(void **state) {
    (void)state;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    opts_print_help(&table, out);
    fclose(out);
    assert_non_null(strstr(text, "usage: tool [options] FILE\n       tool other FILE\n"));
    assert_non_null(strstr(text, "  -n, --count N "));
    assert_non_null(strstr(text, "--format text|json"));
    assert_non_null(strstr(text, "      -inuse_space"));
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spellings_of_a_value),
        cmocka_unit_test(single_dash_only_where_the_table_says),
        cmocka_unit_test(refusals),
        cmocka_unit_test(operands_and_the_double_dash),
        cmocka_unit_test(counts),
        cmocka_unit_test(help_names_every_option),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
