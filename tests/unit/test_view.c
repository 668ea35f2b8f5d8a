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
#include "diff/compare.h"

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
    char name[2];
    struct heapprofile source;
};

static string_id put_string(struct fixture *fixture, const char *text) {
    struct profile *profile = &fixture->source.profile;
    assert_true(profile->string_count < STRINGS);
    fixture->strings[profile->string_count] = (struct profile_string){text, (uint32_t)strlen(text)};
    return profile->string_count++;
}

static uint32_t put_function(struct fixture *fixture, const char *name, const char *file) {
    struct profile *profile = &fixture->source.profile;
    string_id name_id = put_string(fixture, name), file_id = put_string(fixture, file);
    fixture->functions[profile->function_count] = (struct profile_function){name_id, name_id, file_id, 0};
    return profile->function_count++;
}

static uint32_t put_location(struct fixture *fixture, uint64_t address, uint32_t mapping, const uint32_t *functions,
                             uint32_t count) {
    struct profile *profile = &fixture->source.profile;
    fixture->locations[profile->location_count] =
        (struct profile_location){address, mapping, profile->line_count, count, false};
    for (uint32_t i = 0; i < count; i++)
        fixture->lines[profile->line_count++] = (struct profile_line){functions[i], 10 + i, 0};
    return profile->location_count++;
}

static void put_sample(struct fixture *fixture, const uint32_t *locations, uint32_t count, int64_t value) {
    struct profile *profile = &fixture->source.profile;
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
    fixture->source = (struct heapprofile){.name = fixture->name,
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

static const uint32_t types[] = {1, 0};
static const double as_it_is[] = {1, 1};

static uint32_t find(struct view *view, const char *name) {
    uint32_t row = 0;
    while (row < view->rows.count && strcmp(rows_name(&view->rows, row), name) != 0)
        row++;
    if (row == view->rows.count)
        fail_msg("no row '%s'", name);
    return row;
}

static void expect(struct view *view, const char *name, int64_t flat, int64_t cum) {
    uint32_t row = find(view, name);
    assert_int_equal(view_value(view, 0, HEAPPROFILE_FLAT, row, 0), flat);
    assert_int_equal(view_value(view, 0, HEAPPROFILE_CUM, row, 0), cum);
}

static void open_view(struct view *view, enum heapprofile_by by, const struct fixture *fixture) {
    assert_true(view_open(view, by, "", 2));
    assert_true(view_add(view, &fixture->source, types, as_it_is));
    assert_true(view_count(view));
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
    open_view(&view, HEAPPROFILE_BY_FUNCTION, fixture);
    expect(&view, "f", 103, 123);
    expect(&view, "g", 0, 4123);
    expect(&view, "h", 20, 120);
    expect(&view, "a+0xd00", 4000, 54000);
    expect(&view, "0x77", 50000, 50000);
    assert_int_equal(view.rows.count, 5);
    assert_int_equal(view.columns[0].total[0], 654123);
    assert_int_equal(view.columns[0].total[1], 6); /* the other view: one a sample */
    assert_int_equal(view_value(&view, 0, HEAPPROFILE_CUM, find(&view, "f"), 1), 3);
    assert_true(view.rows.items[find(&view, "f")].has_other_files);
    assert_false(view.rows.items[find(&view, "h")].has_other_files);
    assert_string_equal(view.rows.items[find(&view, "h")].file, "/src/f.c");
    view_close(&view);
    free(fixture);
}

static void other_rows(void **state) {
    (void)state;
    struct fixture *fixture = make_example();
    struct view view;
    open_view(&view, HEAPPROFILE_BY_FILE, fixture);
    expect(&view, "/src/f.c", 120, 120);
    expect(&view, "[a]", 4000, 54000);
    expect(&view, "[unknown]", 50000, 50000);
    view_close(&view);

    open_view(&view, HEAPPROFILE_BY_MAPPING, fixture);
    expect(&view, "/bin/a", 4123, 54123);
    expect(&view, "[unknown]", 50000, 50000);
    view_close(&view);

    open_view(&view, HEAPPROFILE_BY_LINE, fixture);
    assert_int_equal(view.rows.count, 7); /* f in two files, g at two lines, h, and two bare frames */
    expect(&view, "h", 20, 120);
    view_close(&view);

    open_view(&view, HEAPPROFILE_BY_STACK, fixture);
    expect(&view, "f < h < g < f < g", 100, 100);
    expect(&view, "h < g < f < f", 20, 20);
    expect(&view, "0x77 < a+0xd00", 50000, 50000);
    assert_int_equal(view.rows.count, 5);
    view_close(&view);
    free(fixture);
}

static void two_sides_meet_by_name_and_are_ranked(void **state) {
    (void)state;
    struct fixture *old = make_example(), *new = make_example();
    struct heapprofile_error error;
    new->values[1] += 7;                  /* f */
    new->values[7] -= 9;                  /* the bare frame */
    new->locations[4].address += 0x10000; /* loaded elsewhere */
    new->bases[0] += 0x10000;
    for (int i = 0; i < 2; i++) {
        string_id name = put_string(i ? new : old, "bytes");
        (i ? new : old)->types[1].type = name;
    }
    struct heapprofile *files[] = {&old->source, &new->source};
    const struct heapprofile_pair pair = {{{&files[0], 1}, {&files[1], 1}}};
    const char *const views[] = {"bytes"};
    struct heapprofile_diff *diff =
        heapprofile_diff(&pair, &(struct heapprofile_options){.views = views, .view_count = 1}, &error);
    assert_non_null(diff);
    uint32_t count;
    const uint32_t *order = heapprofile_diff_rank(diff, 0, HEAPPROFILE_FLAT, &count);
    assert_int_equal(count, 5);
    assert_string_equal(heapprofile_diff_row(diff, order[0]).name, "a+0xd00");
    assert_string_equal(heapprofile_diff_row(diff, order[1]).name, "f");
    struct heapprofile_change change = heapprofile_diff_change(diff, order[0], 0, HEAPPROFILE_FLAT);
    assert_int_equal(change.delta, -9);
    assert_int_equal(change.verdict, HEAPPROFILE_UNKNOWN);
    heapprofile_diff_free(diff);

    const struct heapprofile_pair single = {{{NULL, 0}, {&files[0], 1}}};
    diff = heapprofile_diff(&single, &(struct heapprofile_options){.views = views, .view_count = 1}, &error);
    order = heapprofile_diff_rank(diff, 0, HEAPPROFILE_CUM, &count);
    assert_string_equal(heapprofile_diff_row(diff, order[0]).name, "a+0xd00");
    assert_string_equal(heapprofile_diff_row(diff, order[1]).name, "0x77");
    heapprofile_diff_free(diff);
    free(old);
    free(new);
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
        open_view(&view, HEAPPROFILE_BY_FUNCTION, fixture);
        for (uint32_t i = 0; i < view.rows.count; i++) {
            int64_t flat, cum;
            oracle(&fixture->source.profile, rows_name(&view.rows, i), &flat, &cum);
            assert_int_equal(view_value(&view, 0, HEAPPROFILE_FLAT, i, 0), flat);
            assert_int_equal(view_value(&view, 0, HEAPPROFILE_CUM, i, 0), cum);
        }
        view_close(&view);
        free(fixture);
    }
}

/* ---- call trees and links, held against sequences of row numbers ---- */

/* One profile of random stacks with recursion and inlined frames. */
static struct fixture *make_random(struct rand_state *rand) {
    static const char *const names[] = {"a", "b", "c", "d", "e"};
    struct fixture *fixture = new_fixture();
    for (int i = 0; i < 5; i++)
        put_function(fixture, names[i], "x.c");
    for (int i = 0; i < LOCATIONS; i++) {
        uint32_t functions[2] = {(uint32_t)rand_below(rand, 5), (uint32_t)rand_below(rand, 5)};
        put_location(fixture, 0x1000 + (uint64_t)i, 0, functions, 1 + (uint32_t)rand_below(rand, 2));
    }
    for (int i = 0; i < SAMPLES; i++) {
        uint32_t stack[5], depth = (uint32_t)rand_below(rand, 6);
        for (uint32_t k = 0; k < depth; k++)
            stack[k] = (uint32_t)rand_below(rand, LOCATIONS);
        put_sample(fixture, stack, depth, (int64_t)rand_below(rand, 2000));
    }
    fixture->types[1].type = put_string(fixture, "bytes");
    return fixture;
}

struct pair_of_files {
    struct fixture *fixtures[2];
    struct heapprofile *files[2];
    struct heapprofile_diff *diff;
};

static void open_pair(struct pair_of_files *both, uint64_t seed) {
    static const char *const views[] = {"bytes"};
    struct heapprofile_error error;
    struct rand_state rand;
    rand_seed(&rand, seed);
    for (int i = 0; i < 2; i++) {
        both->fixtures[i] = make_random(&rand);
        both->files[i] = &both->fixtures[i]->source;
    }
    const struct heapprofile_pair pair = {{{&both->files[0], 1}, {&both->files[1], 1}}};
    both->diff = heapprofile_diff(&pair, &(struct heapprofile_options){.views = views, .view_count = 1}, &error);
    assert_non_null(both->diff);
}

static void close_pair(struct pair_of_files *both) {
    heapprofile_diff_free(both->diff);
    free(both->fixtures[0]);
    free(both->fixtures[1]);
}

/* The rows of one sample from the root (or, inverted, from the leaf). */
static size_t find_path(const struct pair_of_files *both, int side, uint32_t sample, bool is_inverted, uint32_t *path) {
    const struct profile *profile = &both->files[side]->profile;
    const struct frames *frames = &both->diff->view.columns[side].frames;
    uint32_t *sequence = NULL;
    size_t capacity = 0, length;
    assert_true(frames_sequence(frames, profile, &profile->samples[sample], &sequence, &capacity, &length));
    for (size_t i = 0; i < length; i++)
        path[i] = sequence[is_inverted ? i : length - 1 - i];
    free(sequence);
    return length;
}

/* The sums of the samples that go through, and that end at, this path. */
static void sum_path(const struct pair_of_files *both, int side, bool is_inverted, const uint32_t *path, size_t length,
                     int64_t sums[HEAPPROFILE_MEASURES]) {
    sums[HEAPPROFILE_FLAT] = sums[HEAPPROFILE_CUM] = 0;
    for (uint32_t i = 0; i < SAMPLES; i++) {
        uint32_t other[16];
        size_t count = find_path(both, side, i, is_inverted, other);
        if (count < length || memcmp(path, other, length * sizeof *path) != 0)
            continue;
        sums[HEAPPROFILE_CUM] += both->fixtures[side]->values[i * 2 + 1];
        sums[HEAPPROFILE_FLAT] += count == length ? both->fixtures[side]->values[i * 2 + 1] : 0;
    }
}

static void check_node(const struct pair_of_files *both, const struct heapprofile_tree *tree, uint32_t node,
                       bool is_inverted) {
    uint32_t path[16];
    size_t length = 0;
    for (uint32_t at = node; at; at = heapprofile_tree_node(tree, at).parent)
        length++;
    size_t place = length;
    for (uint32_t at = node; at; at = heapprofile_tree_node(tree, at).parent)
        path[--place] = heapprofile_tree_node(tree, at).row;
    for (enum heapprofile_measure measure = HEAPPROFILE_FLAT; measure < HEAPPROFILE_MEASURES; measure++) {
        int64_t values[HEAPPROFILE_SIDES];
        heapprofile_tree_values(tree, node, 0, measure, values);
        for (int side = 0; side < 2; side++) {
            int64_t sums[HEAPPROFILE_MEASURES];
            sum_path(both, side, is_inverted, path, length, sums);
            assert_int_equal(values[side], sums[measure]);
        }
    }
}

static void a_tree_against_an_oracle(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed < 5; seed++) {
        struct heapprofile_error error;
        struct pair_of_files both;
        open_pair(&both, seed);
        for (int is_inverted = 0; is_inverted < 2; is_inverted++) {
            struct heapprofile_tree *tree = heapprofile_tree(both.diff, 100000, is_inverted, &error);
            assert_non_null(tree);
            assert_true(heapprofile_tree_nodes(tree) > 500);
            for (uint32_t node = 0; node < heapprofile_tree_nodes(tree); node++) {
                check_node(&both, tree, node, is_inverted);
                assert_int_equal(heapprofile_tree_node(tree, node).folded, 0);
            }
            heapprofile_tree_free(tree);
        }
        close_pair(&both);
    }
}

/* Nodes of a tree without room have the numbers of the whole one, and what had no room is counted. */
static void a_small_tree_counts_what_it_left_out(void **state) {
    (void)state;
    struct heapprofile_error error;
    struct pair_of_files both;
    open_pair(&both, 9);
    for (uint32_t most = 1; most < 200; most += 13) {
        struct heapprofile_tree *tree = heapprofile_tree(both.diff, most, false, &error);
        assert_int_equal(heapprofile_tree_nodes(tree), most);
        for (uint32_t node = 0; node < most; node++) {
            struct heapprofile_node shown = heapprofile_tree_node(tree, node);
            int64_t own[HEAPPROFILE_SIDES], flat[HEAPPROFILE_SIDES], child[HEAPPROFILE_SIDES];
            check_node(&both, tree, node, false);
            heapprofile_tree_values(tree, node, 0, HEAPPROFILE_CUM, own);
            heapprofile_tree_values(tree, node, 0, HEAPPROFILE_FLAT, flat);
            int64_t rest = own[HEAPPROFILE_NEW] - flat[HEAPPROFILE_NEW];
            for (uint32_t i = 0; i < shown.child_count; i++) {
                heapprofile_tree_values(tree, shown.first_child + i, 0, HEAPPROFILE_CUM, child);
                rest -= child[HEAPPROFILE_NEW];
                assert_int_equal(heapprofile_tree_node(tree, shown.first_child + i).parent, node);
            }
            assert_true(shown.folded ? rest >= 0 : rest == 0);
        }
        heapprofile_tree_free(tree);
    }
    close_pair(&both);
}

static void links_against_an_oracle(void **state) {
    (void)state;
    struct pair_of_files both;
    open_pair(&both, 4);
    for (uint32_t row = 0; row < heapprofile_diff_rows(both.diff); row++) {
        struct heapprofile_links links;
        assert_true(heapprofile_diff_links(both.diff, row, 0, &links));
        for (uint32_t i = 0; i < links.caller_count; i++) {
            for (int side = 0; side < 2; side++) {
                int64_t sum = 0;
                for (uint32_t k = 0; k < SAMPLES; k++) {
                    uint32_t path[16];
                    size_t length = find_path(&both, side, k, false, path);
                    bool is_called = false;
                    for (size_t n = 1; n < length; n++)
                        is_called |= path[n] == row && path[n - 1] == links.callers[i].row;
                    sum += is_called ? both.fixtures[side]->values[k * 2 + 1] : 0;
                }
                assert_int_equal(links.callers[i].values[side], sum);
            }
        }
        assert_true(links.caller_count > 0 && links.callee_count > 0);
        heapprofile_links_free(&links);
    }
    close_pair(&both);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(functions_count_once_a_sample),
        cmocka_unit_test(other_rows),
        cmocka_unit_test(two_sides_meet_by_name_and_are_ranked),
        cmocka_unit_test(random_profiles_against_an_oracle),
        cmocka_unit_test(a_tree_against_an_oracle),
        cmocka_unit_test(a_small_tree_counts_what_it_left_out),
        cmocka_unit_test(links_against_an_oracle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
