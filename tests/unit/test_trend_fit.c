/* Trends through the public interface, of profiles made by hand: values, order and choice of files, warm-up, verdicts,
 * and what is refused. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rand.h"
#include "diff/source.h"
#include "heapprofile.h"
#include "tests/support/unit.h"

enum { ROWS = 5, STRINGS = 32 };

/* A profile of ROWS functions "row0" ..., each with one sample of one kilobyte objects, all recorded. */
struct fixture {
    struct profile_string strings[STRINGS];
    struct profile_value_type types[4];
    struct profile_function functions[ROWS];
    struct profile_location locations[ROWS];
    struct profile_line lines[ROWS];
    struct profile_sample samples[ROWS];
    struct profile_label labels[ROWS];
    string_id comments[2];
    uint32_t ids[ROWS];
    int64_t values[ROWS * 4];
    uint64_t bases[1];
    char names[ROWS][8], instance[64], name[64];
    struct heapprofile source;
};

static string_id put(struct fixture *fixture, const char *text) {
    for (string_id i = 0; i < fixture->source.profile.string_count; i++)
        if (strcmp(fixture->strings[i].text, text) == 0)
            return i;
    uint32_t id = fixture->source.profile.string_count++;
    assert_true(id < STRINGS);
    fixture->strings[id] = (struct profile_string){text, (uint32_t)strlen(text)};
    return id;
}

static struct fixture *make(const char *instance, int64_t minutes, const int64_t bytes[ROWS]) {
    static const char *const types[] = {"alloc_objects", "alloc_space", "inuse_objects", "inuse_space"};
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    struct profile *profile = &fixture->source.profile;
    *profile = (struct profile){.strings = fixture->strings,
                                .sample_types = fixture->types,
                                .sample_type_count = 4,
                                .functions = fixture->functions,
                                .function_count = ROWS,
                                .locations = fixture->locations,
                                .location_count = ROWS,
                                .lines = fixture->lines,
                                .line_count = ROWS,
                                .samples = fixture->samples,
                                .sample_count = ROWS,
                                .labels = fixture->labels,
                                .label_count = ROWS,
                                .location_ids = fixture->ids,
                                .location_id_count = ROWS,
                                .values = fixture->values,
                                .comments = fixture->comments,
                                .period = 1,
                                .time_nanos = (1000000 + minutes) * 60000000000};
    put(fixture, "");
    for (int i = 0; i < 4; i++)
        fixture->types[i] =
            (struct profile_value_type){put(fixture, types[i]), put(fixture, i & 1 ? "bytes" : "count")};
    profile->period_type = (struct profile_value_type){put(fixture, "space"), put(fixture, "bytes")};
    string_id slot = put(fixture, "bytes");
    for (uint32_t i = 0; i < ROWS; i++) {
        snprintf(fixture->names[i], sizeof fixture->names[i], "row%u", i);
        string_id name = put(fixture, fixture->names[i]);
        fixture->functions[i] = (struct profile_function){name, name, 0, 0};
        fixture->lines[i] = (struct profile_line){i, 1, 0};
        fixture->locations[i] = (struct profile_location){0x1000 + i, PROFILE_NONE, i, 1, false};
        fixture->ids[i] = i;
        fixture->samples[i] = (struct profile_sample){i, 1, i, 1};
        fixture->labels[i] = (struct profile_label){.key = slot, .number = 1024};
        for (int k = 0; k < 4; k++)
            fixture->values[i * 4 + (uint32_t)k] = k & 1 ? bytes[i] : bytes[i] / 1024;
    }
    if (*instance) {
        snprintf(fixture->instance, sizeof fixture->instance, "heaptap_instance=%s", instance);
        fixture->comments[profile->comment_count++] = put(fixture, fixture->instance);
    }
    snprintf(fixture->name, sizeof fixture->name, "%s.%ld", instance, (long)minutes);
    fixture->source.name = fixture->name;
    fixture->source.bases = fixture->bases;
    return fixture;
}

static void add(struct heapprofile_trend *trend, const char *instance, int64_t minutes, const int64_t bytes[ROWS]) {
    struct heapprofile_error error;
    struct fixture *fixture = make(instance, minutes, bytes);
    if (!heapprofile_trend_add(trend, &fixture->source, &error))
        fail_msg("%s", error.text);
    free(fixture);
}

static struct heapprofile_trend *open_trend(void) {
    struct heapprofile_error error;
    struct heapprofile_trend *trend = heapprofile_trend_open(NULL, &error);
    assert_non_null(trend);
    return trend;
}

static void fit(struct heapprofile_trend *trend, int process) {
    struct heapprofile_error error;
    if (!heapprofile_trend_fit(trend, process, &error))
        fail_msg("%s", error.text);
}

static uint32_t find(const struct heapprofile_trend *trend, const char *name) {
    for (uint32_t i = 0; i < heapprofile_trend_rows(trend); i++)
        if (strcmp(heapprofile_trend_row(trend, i).name, name) == 0)
            return i;
    fail_msg("no row '%s'", name);
    return 0;
}

static struct heapprofile_slope slope_of(const struct heapprofile_trend *trend, const char *name) {
    return heapprofile_trend_slope(trend, find(trend, name));
}

/* An hour between files, in the wrong order: the slope is that of the line, without an error. */
static void exact_lines(void **state) {
    (void)state;
    struct heapprofile_trend *trend = open_trend();
    static const int order[] = {7, 0, 3, 9, 1, 8, 2, 6, 5, 4};
    for (size_t i = 0; i < 10; i++) {
        int h = order[i];
        add(trend, "a", h * 60, (int64_t[ROWS]){h * 10240, 90 * 1024 - h * 5120, 50 * 1024, h > 6 ? 1024 : 0, 0});
    }
    fit(trend, HEAPPROFILE_NEWEST_PROCESS);
    struct heapprofile_trend_facts facts = heapprofile_trend_facts(trend);
    assert_int_equal(facts.files, 10);
    assert_int_equal(facts.warm_up, 0);
    assert_true(fabs(facts.hours - 9) < 1e-9);
    assert_string_equal(facts.view.name, "inuse_space");
    for (uint32_t i = 0; i < 10; i++)
        assert_int_equal(heapprofile_trend_file(trend, i).time_nanos, (1000000 + i * 60LL) * 60000000000);
    struct heapprofile_slope up = slope_of(trend, "row0"), down = slope_of(trend, "row1"),
                             same = slope_of(trend, "row2");
    assert_true(fabs(up.slope - 10240) < 1e-6 && fabs(up.low - 10240) < 1 && fabs(up.high - 10240) < 1);
    assert_int_equal(up.verdict, HEAPPROFILE_TREND_LEAKS);
    assert_int_equal(up.rises, 9);
    assert_int_equal(up.steps, 9);
    assert_true(up.p < 1e-9 && up.q < 1e-8);
    assert_true(fabs(down.slope + 5120) < 1e-6);
    assert_int_equal(down.verdict, HEAPPROFILE_TREND_FALLS);
    assert_int_equal(same.verdict, HEAPPROFILE_TREND_CONSTANT);
    assert_int_equal(slope_of(trend, "row3").verdict, HEAPPROFILE_TREND_NOISE);
    struct heapprofile_slope total = heapprofile_trend_slope(trend, HEAPPROFILE_TREND_TOTAL);
    assert_int_equal(total.first, 140 * 1024);
    assert_int_equal(total.last, 90 * 1024 + 45 * 1024 + 50 * 1024 + 1024);
    uint32_t count;
    const uint32_t *rank = heapprofile_trend_rank(trend, &count);
    assert_int_equal(count, 4); /* row4 is 0 in all */
    assert_int_equal(rank[0], find(trend, "row0"));
    assert_int_equal(rank[3], find(trend, "row1"));
    int64_t values[10];
    double errors[10], line[10];
    heapprofile_trend_values(trend, find(trend, "row3"), values, errors);
    assert_int_equal(values[6], 0);
    assert_int_equal(values[7], 1024);
    assert_true(errors[7] == 0);
    heapprofile_trend_values(trend, find(trend, "row0"), values, errors);
    heapprofile_trend_line(trend, find(trend, "row0"), values, line);
    assert_true(fabs(line[4] - 4 * 10240) < 1e-6);
    heapprofile_trend_free(trend);
}

static void limits(void **state) {
    (void)state;
    struct heapprofile_trend *trend = open_trend();
    for (int h = 0; h < 5; h++)
        add(trend, "a", h * 60, (int64_t[ROWS]){h * 10240, 10240, 0, 0, 0});
    fit(trend, HEAPPROFILE_NEWEST_PROCESS);
    struct heapprofile_reach reach = heapprofile_trend_reach(trend, HEAPPROFILE_TREND_TOTAL, 15 * 10240);
    assert_true(fabs(reach.hours - 10) < 1e-6 && fabs(reach.soonest - 10) < 1e-3 && fabs(reach.latest - 10) < 1e-3);
    assert_true(isinf(heapprofile_trend_reach(trend, find(trend, "row1"), 15 * 10240).hours));
    assert_true(heapprofile_trend_reach(trend, HEAPPROFILE_TREND_TOTAL, 1024).hours == 0);
    heapprofile_trend_free(trend);
}

static void processes(void **state) {
    (void)state;
    struct heapprofile_trend *trend = open_trend();
    /* Three processes, each of which leaks from 0 on; the second has the newest file. */
    for (int h = 0; h < 6; h++) {
        add(trend, "one", h * 60, (int64_t[ROWS]){h * 4096, 0, 0, 0, 0});
        add(trend, "three", (h + 20) * 60 + 7, (int64_t[ROWS]){h * 4096, 0, 0, 0, 0});
        add(trend, "two", (h + 40) * 60, (int64_t[ROWS]){h * 4096 + 1024, 0, 0, 0, 0});
    }
    assert_int_equal(heapprofile_trend_processes(trend), 3);
    fit(trend, HEAPPROFILE_NEWEST_PROCESS);
    assert_string_equal(heapprofile_trend_process(trend, (uint32_t)heapprofile_trend_facts(trend).process).instance,
                        "two");
    assert_int_equal(heapprofile_trend_facts(trend).files, 6);
    assert_int_equal(slope_of(trend, "row0").first, 1024);
    fit(trend, 0);
    assert_int_equal(slope_of(trend, "row0").first, 0);
    fit(trend, HEAPPROFILE_ALL_PROCESSES);
    struct heapprofile_slope slope = slope_of(trend, "row0");
    assert_int_equal(heapprofile_trend_facts(trend).files, 18);
    assert_true(fabs(slope.slope - 4096) < 1e-6);
    assert_int_equal(slope.steps, 15);
    assert_int_equal(slope.rises, 15);
    assert_int_equal(slope.verdict, HEAPPROFILE_TREND_LEAKS);
    assert_string_equal(heapprofile_trend_file(trend, 6).name, "three.1207");
    heapprofile_trend_free(trend);
}

static struct heapprofile_slope fill_and_rest(struct rand_state *random, double filled, double noise,
                                              uint32_t *warm_up) {
    struct heapprofile_trend *trend = open_trend();
    for (int i = 0; i < 40; i++) {
        double level = fmin(1, i / (40 * filled)) * 4096 + noise * (rand_unit(random) - 0.5);
        add(trend, "a", i * 10, (int64_t[ROWS]){1024 * llround(fmax(0, level)), 0, 0, 0, 0});
    }
    fit(trend, HEAPPROFILE_NEWEST_PROCESS);
    *warm_up = heapprofile_trend_facts(trend).warm_up;
    struct heapprofile_slope slope = slope_of(trend, "row0");
    heapprofile_trend_free(trend);
    return slope;
}

/* What fills up in the first half and stays is warm-up, and never a leak; a little later, no leak either. */
static void warm_up_is_left_out(void **state) {
    (void)state;
    enum { RUNS = 100 };
    struct rand_state random;
    rand_seed(&random, 5);
    int covered = 0, found = 0;
    for (int i = 0; i < RUNS; i++) {
        double filled = 0.1 + 0.3 * rand_unit(&random);
        uint32_t warm_up;
        struct heapprofile_slope slope = fill_and_rest(&random, filled, 100, &warm_up);
        covered += slope.low <= 0 && slope.high >= 0;
        found += fabs(warm_up - 40 * filled) < 4;
        assert_int_not_equal(slope.verdict, HEAPPROFILE_TREND_LEAKS);
        slope = fill_and_rest(&random, 0.5 + 0.2 * rand_unit(&random), 100, &warm_up);
        assert_int_not_equal(slope.verdict, HEAPPROFILE_TREND_LEAKS);
        slope = fill_and_rest(&random, 1, 100, &warm_up);
        assert_int_equal(warm_up, 0);
        assert_int_equal(slope.verdict, HEAPPROFILE_TREND_LEAKS);
    }
    assert_in_range(covered, 90, RUNS);
    assert_in_range(found, 80, RUNS);
}

static bool refuses(struct heapprofile_trend *trend, int process, const char *text) {
    struct heapprofile_error error;
    return !heapprofile_trend_fit(trend, process, &error) && strstr(error.text, text);
}

static void what_is_refused(void **state) {
    (void)state;
    struct heapprofile_error error;
    struct heapprofile_trend *trend = open_trend();
    const int64_t bytes[ROWS] = {1024, 0, 0, 0, 0};
    assert_true(refuses(trend, HEAPPROFILE_NEWEST_PROCESS, "needs three profiles of a process, not 0"));
    for (int i = 0; i < 2; i++)
        add(trend, "a", i, bytes);
    add(trend, "b", 5, bytes);
    assert_true(refuses(trend, HEAPPROFILE_NEWEST_PROCESS, "not 1"));
    assert_true(refuses(trend, HEAPPROFILE_ALL_PROCESSES, "different times"));
    for (int i = 0; i < 3; i++)
        add(trend, "c", 9, bytes);
    assert_true(refuses(trend, HEAPPROFILE_NEWEST_PROCESS, "different times"));
    struct fixture *fixture = make("a", 7, bytes);
    fixture->source.profile.time_nanos = 0;
    assert_false(heapprofile_trend_add(trend, &fixture->source, &error));
    assert_string_equal(error.text, "'a.7' does not say when it was made");
    fixture->source.profile.time_nanos = 1;
    fixture->source.profile.sample_type_count = 3;
    assert_false(heapprofile_trend_add(trend, &fixture->source, &error));
    assert_non_null(strstr(error.text, "no sample type 'inuse_space' in 'a.7'"));
    free(fixture);
    add(trend, "a", 7, bytes);
    fit(trend, 0);
    heapprofile_trend_free(trend);
}

/* Files without what tells how they were sampled: the line is there, and what it is known by. */
static void not_sampled(void **state) {
    (void)state;
    struct heapprofile_trend *trend = open_trend();
    struct heapprofile_error error;
    for (int h = 0; h < 12; h++) {
        struct fixture *fixture = make("", h * 60, (int64_t[ROWS]){h * 2048 + (h & 1) * 700, 0, 0, 0, 0});
        fixture->source.profile.period = 0;
        assert_true(heapprofile_trend_add(trend, &fixture->source, &error));
        free(fixture);
    }
    fit(trend, HEAPPROFILE_NEWEST_PROCESS);
    struct heapprofile_slope slope = slope_of(trend, "row0");
    assert_true(isnan(slope.sampling_error));
    assert_true(slope.low < 2048 && slope.high > 2048 && slope.low > 1500 && slope.high < 2600);
    assert_int_equal(slope.verdict, HEAPPROFILE_TREND_LEAKS);
    heapprofile_trend_free(trend);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exact_lines),         cmocka_unit_test(limits),          cmocka_unit_test(processes),
        cmocka_unit_test(warm_up_is_left_out), cmocka_unit_test(what_is_refused), cmocka_unit_test(not_sampled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
