/* Sums of a view: by hand for each rule, and random profiles against an oracle that does what the rules say,
 * slowly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rand.h"
#include "cli/rank.h"
#include "cli/view.h"

enum { STRINGS = 40, FUNCTIONS = 12, LOCATIONS = 24, LINES = 60, SAMPLES = 200, IDS = SAMPLES * 12 };

/* A profile in plain arrays; string i of the first FUNCTIONS is a function's name. */
struct fixture {
    struct profile_string strings[STRINGS];
    struct profile_value_type types[2];
    struct profile_mapping mappings[2];
    struct profile_function functions[FUNCTIONS];
    struct profile_location locations[LOCATIONS];
    struct profile_line lines[LINES];
    struct profile_sample samples[SAMPLES];
    uint32_t ids[IDS];
    int64_t values[SAMPLES * 2];
    uint64_t bases[2];
    struct loaded loaded;
};

static string_id put_string(struct fixture *fixture, const char *text) {
    struct profile *profile = &fixture->loaded.profile;
    assert_true(profile->string_count < STRINGS);
    fixture->strings[profile->string_count] = (struct profile_string){text, (uint32_t)strlen(text)};
    return profile->string_count++;
}

static uint32_t put_function(struct fixture *fixture, const char *name, const char *file) {
    struct profile *profile = &fixture->loaded.profile;
    string_id name_id = put_string(fixture, name), file_id = put_string(fixture, file);
    fixture->functions[profile->function_count] = (struct profile_function){name_id, name_id, file_id, 0};
    return profile->function_count++;
}

static uint32_t put_location(struct fixture *fixture, uint64_t address, uint32_t mapping, const uint32_t *functions,
                             uint32_t count) {
    struct profile *profile = &fixture->loaded.profile;
    fixture->locations[profile->location_count] =
        (struct profile_location){address, mapping, profile->line_count, count, false};
    for (uint32_t i = 0; i < count; i++)
        fixture->lines[profile->line_count++] = (struct profile_line){functions[i], 10 + i, 0};
    return profile->location_count++;
}

static void put_sample(struct fixture *fixture, const uint32_t *locations, uint32_t count, int64_t value) {
    struct profile *profile = &fixture->loaded.profile;
    fixture->samples[profile->sample_count] = (struct profile_sample){profile->location_id_count, count, 0, 0};
    for (uint32_t i = 0; i < count; i++)
        fixture->ids[profile->location_id_count++] = locations[i];
    fixture->values[profile->sample_count * 2] = 1;
    fixture->values[profile->sample_count * 2 + 1] = value;
    profile->sample_count++;
}

static struct fixture *new_fixture(void) {
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    fixture->loaded = (struct loaded){.path = "x",
                                      .bases = fixture->bases,
                                      .profile = {.strings = fixture->strings,
                                                  .sample_types = fixture->types,
                                                  .sample_type_count = 2,
                                                  .mappings = fixture->mappings,
                                                  .mapping_count = 2,
                                                  .functions = fixture->functions,
                                                  .locations = fixture->locations,
                                                  .lines = fixture->lines,
                                                  .samples = fixture->samples,
                                                  .location_ids = fixture->ids,
                                                  .values = fixture->values}};
    put_string(fixture, "");
    fixture->mappings[0] =
        (struct profile_mapping){.start = 0x1000, .limit = 0x9000, .filename = put_string(fixture, "/bin/a")};
    fixture->mappings[1] = (struct profile_mapping){.start = 0x10000, .limit = 0x90000};
    fixture->bases[0] = 0x800;
    return fixture;
}

static const struct view_row *find(struct view *view, const char *name) {
    for (uint32_t i = 0; i < view->count; i++)
        if (strcmp(view_name(view, i), name) == 0)
            return &view->rows[i];
    return NULL;
}

static void expect(struct view *view, const char *name, int64_t flat, int64_t cum) {
    const struct view_row *row = find(view, name);
    if (!row)
        fail_msg("no row '%s'", name);
    assert_int_equal(row->flat[VIEW_NEW], flat);
    assert_int_equal(row->cum[VIEW_NEW], cum);
}

/* main -> f -> g (inlined h) -> f: recursion, an inlined leaf, a bare frame, a frame without mapping. */
static struct fixture *make_example(void) {
    struct fixture *fixture = new_fixture();
    uint32_t f = put_function(fixture, "f", "/src/./x/../f.c"), g = put_function(fixture, "g", "g.c");
    uint32_t h = put_function(fixture, "h", "/src//f.c"), other = put_function(fixture, "f", "/src/other.c");
    uint32_t in_main = put_location(fixture, 0x1100, 0, (uint32_t[]){g}, 1);
    uint32_t in_f = put_location(fixture, 0x1200, 0, (uint32_t[]){f}, 1);
    uint32_t in_h = put_location(fixture, 0x1300, 0, (uint32_t[]){h, g}, 2);
    uint32_t in_other = put_location(fixture, 0x1400, 0, (uint32_t[]){other}, 1);
    uint32_t bare = put_location(fixture, 0x1500, 0, NULL, 0);
    uint32_t lost = put_location(fixture, 0x77, PROFILE_NONE, NULL, 0);
    put_sample(fixture, (uint32_t[]){in_f, in_h, in_f, in_main}, 4, 100);
    put_sample(fixture, (uint32_t[]){in_h, in_f, in_f}, 3, 20);
    put_sample(fixture, (uint32_t[]){in_other, in_main}, 2, 3);
    put_sample(fixture, (uint32_t[]){bare, in_main}, 2, 4000);
    put_sample(fixture, (uint32_t[]){lost, bare}, 2, 50000);
    put_sample(fixture, NULL, 0, 600000);
    return fixture;
}

static void functions_count_once_a_sample(void **state) {
    (void)state;
    struct fixture *fixture = make_example();
    struct view view;
    assert_true(view_open(&view, VIEW_FUNCTION));
    assert_true(view_add(&view, &fixture->loaded, 1, VIEW_NEW));
    expect(&view, "f", 103, 123);
    expect(&view, "g", 0, 4123);
    expect(&view, "h", 20, 120);
    expect(&view, "a+0xd00", 4000, 54000);
    expect(&view, "0x77", 50000, 50000);
    assert_int_equal(view.count, 5);
    assert_int_equal(view.total[VIEW_NEW], 654123);
    assert_true(find(&view, "f")->has_other_files);
    assert_false(find(&view, "h")->has_other_files);
    assert_string_equal(find(&view, "h")->file, "/src/f.c");
    view_close(&view);
    free(fixture);
}

static void other_rows(void **state) {
    (void)state;
    struct fixture *fixture = make_example();
    struct view view;
    assert_true(view_open(&view, VIEW_FILE));
    assert_true(view_add(&view, &fixture->loaded, 1, VIEW_NEW));
    expect(&view, "/src/f.c", 120, 120);
    expect(&view, "[a]", 4000, 54000);
    expect(&view, "[unknown]", 50000, 50000);
    view_close(&view);

    assert_true(view_open(&view, VIEW_MAPPING));
    assert_true(view_add(&view, &fixture->loaded, 1, VIEW_NEW));
    expect(&view, "/bin/a", 4123, 54123);
    expect(&view, "[unknown]", 50000, 50000);
    view_close(&view);

    assert_true(view_open(&view, VIEW_LINE));
    assert_true(view_add(&view, &fixture->loaded, 1, VIEW_NEW));
    assert_int_equal(view.count, 7); /* f in two files, g at two lines, h, and two bare frames */
    expect(&view, "h", 20, 120);
    view_close(&view);

    assert_true(view_open(&view, VIEW_STACK));
    assert_true(view_add(&view, &fixture->loaded, 1, VIEW_NEW));
    expect(&view, "f < h < g < f < g", 100, 100);
    expect(&view, "h < g < f < f", 20, 20);
    expect(&view, "0x77 < a+0xd00", 50000, 50000);
    assert_int_equal(view.count, 5);
    view_close(&view);
    free(fixture);
}

static void two_sides_meet_by_name_and_are_ranked(void **state) {
    (void)state;
    struct fixture *fixture = make_example();
    struct view view;
    struct rank rank;
    assert_true(view_open(&view, VIEW_FUNCTION));
    assert_true(view_add(&view, &fixture->loaded, 1, VIEW_OLD));
    fixture->values[1] += 7;                  /* f */
    fixture->values[7] -= 9;                  /* the bare frame */
    fixture->locations[4].address += 0x10000; /* loaded elsewhere */
    fixture->bases[0] += 0x10000;
    assert_true(view_add(&view, &fixture->loaded, 1, VIEW_NEW));
    assert_int_equal(view.count, 5);
    assert_true(rank_rows(&view, (struct rank_rule){.is_diff = true}, &rank));
    assert_int_equal(rank.count, 5);
    assert_string_equal(view_name(&view, rank.order[0]), "a+0xd00");
    assert_string_equal(view_name(&view, rank.order[1]), "f");
    rank_free(&rank);
    assert_true(rank_rows(&view, (struct rank_rule){.by_cum = true}, &rank));
    assert_string_equal(view_name(&view, rank.order[0]), "a+0xd00");
    assert_string_equal(view_name(&view, rank.order[1]), "0x77");
    rank_free(&rank);
    view_close(&view);
    free(fixture);
}

/* Whether any line of the location is of a function with this name. */
static bool has_name(const struct profile *profile, uint32_t location, const char *name) {
    for (uint32_t i = 0; i < profile->locations[location].line_count; i++) {
        uint32_t function = profile->lines[profile->locations[location].first_line + i].function;
        if (strcmp(profile_text(profile, profile->functions[function].name), name) == 0)
            return true;
    }
    return false;
}

static void oracle(const struct profile *profile, const char *name, int64_t *flat, int64_t *cum) {
    *flat = *cum = 0;
    for (uint32_t i = 0; i < profile->sample_count; i++) {
        const struct profile_sample *sample = &profile->samples[i];
        const uint32_t *ids = profile->location_ids + sample->first_location;
        bool is_on = false;
        for (uint32_t k = 0; k < sample->location_count; k++)
            is_on |= has_name(profile, ids[k], name);
        const struct profile_line *leaf = &profile->lines[profile->locations[ids[0]].first_line];
        bool is_leaf = strcmp(profile_text(profile, profile->functions[leaf->function].name), name) == 0;
        *cum += is_on ? profile->values[i * 2 + 1] : 0;
        *flat += is_leaf ? profile->values[i * 2 + 1] : 0;
    }
}

static void random_profiles_against_an_oracle(void **state) {
    (void)state;
    struct rand_state rand;
    rand_seed(&rand, 7);
    static const char *const names[] = {"a", "b", "c", "d", "e"};
    for (int round = 0; round < 50; round++) {
        struct fixture *fixture = new_fixture();
        for (int i = 0; i < FUNCTIONS; i++)
            put_function(fixture, names[rand_below(&rand, 5)], "x.c");
        for (int i = 0; i < LOCATIONS; i++) {
            uint32_t functions[2] = {(uint32_t)rand_below(&rand, FUNCTIONS), (uint32_t)rand_below(&rand, FUNCTIONS)};
            put_location(fixture, 0x1000 + (uint64_t)i, 0, functions, 1 + (uint32_t)rand_below(&rand, 2));
        }
        for (int i = 0; i < SAMPLES; i++) {
            uint32_t stack[12], depth = 1 + (uint32_t)rand_below(&rand, 12);
            for (uint32_t k = 0; k < depth; k++)
                stack[k] = (uint32_t)rand_below(&rand, LOCATIONS);
            put_sample(fixture, stack, depth, (int64_t)rand_below(&rand, 2000) - 500);
        }
        struct view view;
        assert_true(view_open(&view, VIEW_FUNCTION));
        assert_true(view_add(&view, &fixture->loaded, 1, VIEW_NEW));
        for (uint32_t i = 0; i < view.count; i++) {
            int64_t flat, cum;
            oracle(&fixture->loaded.profile, view_name(&view, i), &flat, &cum);
            assert_int_equal(view.rows[i].flat[VIEW_NEW], flat);
            assert_int_equal(view.rows[i].cum[VIEW_NEW], cum);
        }
        view_close(&view);
        free(fixture);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(functions_count_once_a_sample),
        cmocka_unit_test(other_rows),
        cmocka_unit_test(two_sides_meet_by_name_and_are_ranked),
        cmocka_unit_test(random_profiles_against_an_oracle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
