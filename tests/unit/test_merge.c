/* Sums of small profiles that are written down here as text; tests/interop/merge.sh compares large ones with
 * pprof. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/merge.h"
#include "proto/writer.h"
#include "proto_bytes.h"

/* A profile of one mapping at `base` and of functions f1, f2, f3 at base + 0x10, 0x20, 0x30. */
struct sketch {
    uint64_t base;
    int64_t time, duration, period;
    const char *build_id, *comment, *unit;
    struct {
        uint64_t stack[3]; /* ends at 0 */
        int64_t value;
        const char *label;
    } samples[4]; /* end at an empty stack */
};

static struct profile draw(const struct sketch *sketch) {
    struct region region = {0};
    struct bytes file = {0};
    struct proto_error error = {0};
    struct writer *writer = writer_open(&region, writer_to_bytes, &file, 1);
    writer_sample_type(writer, "space", sketch->unit ? sketch->unit : "bytes");
    writer_period(writer, "space", "bytes", sketch->period);
    writer_time(writer, sketch->time, sketch->duration);
    if (sketch->comment)
        writer_comment(writer, sketch->comment);
    struct profile_mapping mapping = {.start = sketch->base,
                                      .limit = sketch->base + 0x2000,
                                      .filename = writer_string(writer, "/bin/program"),
                                      .build_id = writer_string(writer, sketch->build_id ? sketch->build_id : "")};
    writer_mapping(writer, &mapping);
    for (uint32_t i = 1; i <= 3; i++) {
        const char name[] = {'f', (char)('0' + i), 0};
        struct profile_function function = {.name = writer_string(writer, name)};
        struct profile_line line = {.function = i, .line = i};
        writer_function(writer, &function);
        writer_location(writer, sketch->base + i * 0x10, 1, &line, 1);
    }
    for (int i = 0; i < 4 && sketch->samples[i].stack[0]; i++) {
        size_t depth = 0;
        while (depth < 3 && sketch->samples[i].stack[depth])
            depth++;
        const char *label = sketch->samples[i].label;
        struct profile_label labels[] = {
            {.key = writer_string(writer, "bytes"), .number = 16},
            {.key = writer_string(writer, "key"), .text = label ? writer_string(writer, label) : 0},
        };
        writer_sample(writer, sketch->samples[i].stack, depth, &sketch->samples[i].value, 1, labels, label ? 2 : 1);
    }
    assert_true(writer_close(writer, &error));
    struct profile profile;
    assert_true(read_bytes(&file, NULL, &profile, &error));
    region_free(&region);
    free_bytes(&file);
    return profile;
}

/* "f1 f2: 5 [bytes=16 key=x]" for each sample. */
static const char *as_text(const struct profile *profile) {
    static char text[4096];
    size_t used = 0;
    text[0] = 0;
    for (uint32_t i = 0; i < profile->sample_count; i++) {
        const struct profile_sample *sample = &profile->samples[i];
        for (uint32_t k = 0; k < sample->location_count; k++) {
            const struct profile_location *location =
                &profile->locations[profile->location_ids[sample->first_location + k]];
            const struct profile_line *line = &profile->lines[location->first_line];
            used += (size_t)snprintf(text + used, sizeof text - used, "%s ",
                                     profile_text(profile, profile->functions[line->function].name));
        }
        used += (size_t)snprintf(text + used, sizeof text - used, "%lld", (long long)profile->values[i]);
        for (uint32_t k = 0; k < sample->label_count; k++) {
            const struct profile_label *label = &profile->labels[sample->first_label + k];
            used += (size_t)snprintf(text + used, sizeof text - used, " %s=", profile_text(profile, label->key));
            if (label->text)
                used += (size_t)snprintf(text + used, sizeof text - used, "%s", profile_text(profile, label->text));
            else
                used += (size_t)snprintf(text + used, sizeof text - used, "%lld", (long long)label->number);
        }
        used += (size_t)snprintf(text + used, sizeof text - used, "\n");
    }
    return text;
}

static struct profile merge_two(const struct sketch *a, double scale_a, const struct sketch *b, double scale_b,
                                const char *label) {
    struct profile x = draw(a), y = draw(b), sum;
    struct proto_error error;
    const struct merge_input inputs[] = {
        {.profile = &x, .scale = scale_a},
        {.profile = &y, .scale = scale_b, .label_key = label ? "pprof::base" : NULL, .label_text = label},
    };
    if (!merge_profiles(inputs, 2, &sum, &error))
        fail_msg("%s", error.text);
    profile_free(&x);
    profile_free(&y);
    return sum;
}

static const struct sketch first = {
    .base = 0x400000,
    .time = 100,
    .duration = 5,
    .period = 512,
    .comment = "first",
    .samples = {{{1, 2}, 10, NULL}, {{3, 2}, 20, NULL}, {{1, 2}, 7, "x"}},
};
static const struct sketch second = {
    .base = 0x7f0000000000,
    .time = 50,
    .duration = 6,
    .period = 1024,
    .comment = "second",
    .samples = {{{1, 2}, 4, NULL}, {{2}, 1, NULL}, {{3, 2}, 20, NULL}},
};

static void the_same_stacks_are_added(void **state) {
    (void)state;
    struct profile sum = merge_two(&first, 1, &second, 1, NULL);
    assert_string_equal(as_text(&sum), "f1 f2 14 bytes=16\nf3 f2 40 bytes=16\nf1 f2 7 key=x bytes=16\n"
                                       "f2 1 bytes=16\n");
    assert_int_equal(sum.mapping_count, 1);
    assert_int_equal(sum.location_count, 3);
    assert_int_equal(sum.locations[2].address, 0x400030);
    profile_free(&sum);
}

static void headers_are_combined(void **state) {
    (void)state;
    struct profile sum = merge_two(&first, 1, &second, -1, NULL);
    assert_int_equal(sum.time_nanos, 50);
    assert_int_equal(sum.duration_nanos, 11);
    assert_int_equal(sum.period, 1024);
    assert_int_equal(sum.comment_count, 2);
    assert_string_equal(profile_text(&sum, sum.comments[1]), "second");
    profile_free(&sum);
    sum = merge_two(&first, 1, &first, 1, NULL);
    assert_int_equal(sum.comment_count, 1);
    profile_free(&sum);
}

static void what_becomes_zero_is_left_out(void **state) {
    (void)state;
    struct profile sum = merge_two(&first, 1, &second, -1, NULL);
    assert_string_equal(as_text(&sum), "f1 f2 6 bytes=16\nf1 f2 7 key=x bytes=16\nf2 -1 bytes=16\n");
    assert_int_equal(sum.location_count, 2); /* f3 has no sample any more */
    assert_int_equal(sum.function_count, 2);
    profile_free(&sum);
    sum = merge_two(&first, 1, &first, -1, NULL);
    assert_int_equal(sum.sample_count, 0);
    assert_int_equal(sum.mapping_count, 1); /* the main program stays */
    assert_int_equal(sum.sample_type_count, 1);
    profile_free(&sum);
}

static void a_base_is_marked_and_stays_apart(void **state) {
    (void)state;
    struct profile sum = merge_two(&first, 1, &first, -1, "true");
    assert_string_equal(as_text(&sum), "f1 f2 10 bytes=16\nf3 f2 20 bytes=16\nf1 f2 7 key=x bytes=16\n"
                                       "f1 f2 -10 pprof::base=true bytes=16\nf3 f2 -20 pprof::base=true bytes=16\n"
                                       "f1 f2 -7 key=x pprof::base=true bytes=16\n");
    profile_free(&sum);
}

/* A mark replaces what the sample had under its key, so that no sample says two things. */
static void a_mark_replaces_a_label(void **state) {
    (void)state;
    struct profile x = draw(&first), sum;
    struct proto_error error;
    const struct merge_input input = {.profile = &x, .scale = 1, .label_key = "key", .label_text = "mark"};
    assert_true(merge_profiles(&input, 1, &sum, &error));
    assert_string_equal(as_text(&sum), "f1 f2 17 key=mark bytes=16\nf3 f2 20 key=mark bytes=16\n");
    profile_free(&x);
    profile_free(&sum);
}

static void other_builds_are_other_places(void **state) {
    (void)state;
    struct sketch rebuilt = first;
    rebuilt.build_id = "1234";
    struct profile sum = merge_two(&first, 1, &rebuilt, 1, NULL);
    assert_int_equal(sum.mapping_count, 2);
    assert_int_equal(sum.sample_count, 6);
    assert_int_equal(sum.function_count, 3);
    profile_free(&sum);
}

static int64_t scaled(int64_t value, double scale) {
    struct sketch one = {.samples = {{{1}, value, NULL}}};
    struct profile profile = draw(&one), sum;
    const struct merge_input input = {.profile = &profile, .scale = scale};
    struct proto_error error;
    assert_true(merge_profiles(&input, 1, &sum, &error));
    int64_t result = sum.sample_count ? sum.values[0] : 0;
    profile_free(&profile);
    profile_free(&sum);
    return result;
}

static void values_are_rounded_once_away_from_zero(void **state) {
    (void)state;
    assert_int_equal(scaled(5, 0.5), 3);
    assert_int_equal(scaled(-5, 0.5), -3);
    assert_int_equal(scaled(5, 0.49), 2);
    assert_int_equal(scaled(1, 0.49999999999999994), 0);
    assert_int_equal(scaled(1, 0.4), 0);
    assert_int_equal(scaled(7, -1), -7);
    assert_true(scaled(INT64_MAX, 1) == INT64_MAX);
    assert_true(scaled(INT64_MIN, -1) == INT64_MAX);
    assert_true(scaled(INT64_MAX, -4) == INT64_MIN);
    assert_true(scaled(4503599627370497, -1) == -4503599627370497);
}

static void sums_do_not_wrap(void **state) {
    (void)state;
    struct sketch huge = {.samples = {{{1}, INT64_MAX - 1, NULL}, {{2}, INT64_MIN, NULL}}};
    struct profile sum = merge_two(&huge, 1, &huge, 1, NULL);
    assert_true(sum.values[0] == INT64_MAX);
    assert_true(sum.values[1] == INT64_MIN);
    profile_free(&sum);
}

static void different_types_are_refused(void **state) {
    (void)state;
    struct sketch other = first;
    other.unit = "count";
    struct profile x = draw(&first), y = draw(&other), sum;
    struct proto_error error;
    const struct merge_input inputs[] = {{.profile = &x, .scale = 1}, {.profile = &y, .scale = 1}};
    assert_false(merge_profiles(inputs, 2, &sum, &error));
    assert_int_equal(error.code, PROTO_ERROR_FORMAT);
    assert_string_equal(error.text, "the profiles have different sample types");
    assert_null(sum.samples);
    assert_false(merge_profiles(inputs, 0, &sum, &error));
    profile_free(&x);
    profile_free(&y);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_stacks_are_added),
        cmocka_unit_test(headers_are_combined),
        cmocka_unit_test(what_becomes_zero_is_left_out),
        cmocka_unit_test(a_base_is_marked_and_stays_apart),
        cmocka_unit_test(a_mark_replaces_a_label),
        cmocka_unit_test(other_builds_are_other_places),
        cmocka_unit_test(values_are_rounded_once_away_from_zero),
        cmocka_unit_test(sums_do_not_wrap),
        cmocka_unit_test(different_types_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
