/* Filters on stacks that are written as text, leaf first: "malloc|xmalloc parse main" is an inlined pair and
 * two frames of their own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/os.h"
#include "proto/filter.h"
#include "proto/writer.h"
#include "proto_bytes.h"

/* One location for each word of each stack. The mapping of every location is /bin/program. */
static struct profile draw(const char *const *stacks, size_t count, const char *drop, const char *keep) {
    struct region region = {0};
    struct bytes file = {0};
    struct proto_error error = {0};
    struct writer *writer = writer_open(&region, writer_to_bytes, &file, 1);
    struct profile_mapping mapping = {.start = 1, .limit = 2, .filename = writer_string(writer, "/bin/program")};
    writer_sample_type(writer, "n", "count");
    writer_drop_frames(writer, drop, keep);
    writer_mapping(writer, &mapping);
    for (size_t i = 0; i < count; i++) {
        uint64_t ids[16];
        size_t depth = 0;
        const int64_t value = (int64_t)i + 1;
        const char *p = stacks[i];
        while (*p) {
            struct profile_line lines[4];
            size_t line_count = 0, length;
            do {
                length = strcspn(p, "| ");
                struct profile_function function = {.name = writer_string_n(writer, p, length),
                                                    .filename = writer_string(writer, "x.c")};
                lines[line_count++] =
                    (struct profile_line){.function = (uint32_t)writer_function(writer, &function), .line = 1};
                p += length;
            } while (*p == '|' && p++);
            ids[depth++] = writer_location(writer, 1, 1, lines, line_count);
            p += *p == ' ';
        }
        writer_sample(writer, ids, depth, &value, 1, NULL, 0);
    }
    assert_true(writer_close(writer, &error));
    struct profile profile;
    assert_true(read_bytes(&file, NULL, &profile, &error));
    region_free(&region);
    free_bytes(&file);
    return profile;
}

static const char *as_text(const struct profile *profile) {
    static char text[4096];
    size_t used = 0;
    text[0] = 0;
    for (uint32_t i = 0; i < profile->sample_count; i++) {
        const struct profile_sample *sample = &profile->samples[i];
        used += (size_t)snprintf(text + used, sizeof text - used, "%d:", (int)profile->values[i]);
        for (uint32_t k = 0; k < sample->location_count; k++) {
            const struct profile_location *location =
                &profile->locations[profile->location_ids[sample->first_location + k]];
            for (uint32_t l = 0; l < location->line_count; l++) {
                const struct profile_line *line = &profile->lines[location->first_line + l];
                used += (size_t)snprintf(text + used, sizeof text - used, "%c%s", l ? '|' : ' ',
                                         profile_text(profile, profile->functions[line->function].name));
            }
        }
        used += (size_t)snprintf(text + used, sizeof text - used, "\n");
    }
    return text;
}

static void assert_filtered(struct filter filter, const char *expected) {
    static const char *const stacks[] = {"malloc parse main", "new|make parse main", "malloc render main"};
    struct profile profile = draw(stacks, 3, NULL, NULL);
    struct proto_error error;
    assert_true(filter_apply(&profile, &filter, &error));
    assert_string_equal(as_text(&profile), expected);
    profile_free(&profile);
}

static void focus_and_ignore_choose_samples(void **state) {
    (void)state;
    assert_filtered((struct filter){0}, "1: malloc parse main\n2: new|make parse main\n3: malloc render main\n");
    assert_filtered((struct filter){.focus = "parse"}, "1: malloc parse main\n2: new|make parse main\n");
    assert_filtered((struct filter){.focus = "^make$"}, "2: new|make parse main\n");
    assert_filtered((struct filter){.ignore = "render|new"}, "1: malloc parse main\n");
    assert_filtered((struct filter){.focus = "malloc", .ignore = "parse"}, "3: malloc render main\n");
    assert_filtered((struct filter){.focus = "bin/program", .ignore = "x[.]c"}, "");
}

static void hide_and_show_choose_frames(void **state) {
    (void)state;
    assert_filtered((struct filter){.hide = "malloc|new"}, "1: parse main\n2: make parse main\n3: render main\n");
    assert_filtered((struct filter){.show = "malloc|render"}, "1: malloc\n3: malloc render\n");
    assert_filtered((struct filter){.hide = "program"}, "");
    assert_filtered((struct filter){.show = "x.c", .hide = "main"},
                    "1: malloc parse\n2: new|make parse\n3: malloc render\n");
}

static void assert_dropped(const char *drop, const char *keep, const char *stack, const char *expected) {
    struct profile profile = draw(&stack, 1, drop, keep);
    struct proto_error error;
    assert_true(filter_drop_frames(&profile, &error));
    assert_string_equal(as_text(&profile), expected);
    profile_free(&profile);
}

static void drop_frames_cuts_from_the_root(void **state) {
    (void)state;
    assert_dropped("", "", "malloc parse main", "1: malloc parse main\n");
    assert_dropped("malloc", "", "malloc parse main", "1: parse main\n");
    assert_dropped("mallo", "", "malloc parse main", "1: malloc parse main\n"); /* the whole name */
    assert_dropped("xmalloc", "", "sbrk malloc xmalloc parse main", "1: parse main\n");
    assert_dropped("a", "", "leaf a b a main", "1: main\n");                   /* the first from the root */
    assert_dropped("main", "", "malloc parse main", "1: malloc parse main\n"); /* not the root itself */
    assert_dropped("main|malloc", "", "malloc parse main", "1: parse main\n");
    assert_dropped("x.*", "xm.*", "xa xmalloc main", "1: xmalloc main\n");
}

static void drop_frames_cuts_inside_inlined_stacks(void **state) {
    (void)state;
    assert_dropped("inner", "", "leaf inner|outer main", "1: outer main\n");
    assert_dropped("outer", "", "leaf inner|outer main", "1: main\n");
    assert_dropped("middle", "", "leaf inner|middle|outer main", "1: outer main\n");
}

static void drop_frames_sees_names_without_parameters(void **state) {
    (void)state;
    assert_dropped("make", "", "make(int,char) main", "1: main\n");
    assert_dropped(".*::f", "", "(anonymous_namespace)::f main", "1: (anonymous_namespace)::f main\n");
    assert_dropped("operator\\(\\)", "", "operator()(int) main", "1: main\n");
    assert_dropped("dotted", "", ".dotted main", "1: main\n");
}

static void bad_expressions_change_nothing(void **state) {
    (void)state;
    const char *stack = "malloc parse main";
    struct profile profile = draw(&stack, 1, "(", NULL);
    struct proto_error error;
    assert_false(filter_apply(&profile, &(struct filter){.focus = "malloc", .hide = "("}, &error));
    assert_int_equal(error.code, PROTO_ERROR_FORMAT);
    assert_string_equal(error.text, "hide is not a regular expression");
    assert_false(filter_drop_frames(&profile, &error));
    assert_int_equal(error.code, PROTO_ERROR_FORMAT);
    assert_string_equal(as_text(&profile), "1: malloc parse main\n");
    profile_free(&profile);
}

/* Expressions from a file that would take gigabytes or hours. */
static void hostile_expressions_are_refused_or_quick(void **state) {
    (void)state;
    static char long_name[60001], deep[6001];
    memset(long_name, 'a', sizeof long_name - 1);
    memset(deep, '(', sizeof deep - 1);
    const char *const patterns[] = {"((a{1,255}){1,255}){1,255}",
                                    "(a{1000}){1000}",
                                    "a{99999999999999999999}",
                                    "(.*)\\1\\1\\1\\1",
                                    "(a|a|aa)*(a|aa)*(a|aa)*b",
                                    "(a*)*(a*)*b",
                                    deep,
                                    "((((a{4}){4}){4}){4}){4}b",
                                    "(a|aa){500}b"};
    const char *stack = long_name;
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        struct profile profile = draw(&stack, 1, patterns[i], NULL);
        struct proto_error error;
        int64_t start = os_now();
        filter_drop_frames(&profile, &error);
        assert_true(os_now() - start < 10000000000);
        profile_free(&profile);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(focus_and_ignore_choose_samples),
        cmocka_unit_test(hide_and_show_choose_frames),
        cmocka_unit_test(drop_frames_cuts_from_the_root),
        cmocka_unit_test(drop_frames_cuts_inside_inlined_stacks),
        cmocka_unit_test(drop_frames_sees_names_without_parameters),
        cmocka_unit_test(bad_expressions_change_nothing),
        cmocka_unit_test(hostile_expressions_are_refused_or_quick),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
