/* The buckets as rows: rates are summed, everything else is kept apart; ages; the sums of every column are the same by
 * whatever way the rows are cut. */
#include "profiler/tally.h"

#include <string.h>

#include "base/rand.h"
#include "profiler/sampler.h"
#include "tests/support/unit.h"

enum { NOW = 1000000, OBJECTS = 30000 };

static struct bucket_table buckets = BUCKET_TABLE_INIT;
static struct live_table live = LIVE_TABLE_INIT;

static struct rows {
    struct tally_row row[4000];
    size_t count;
} rows;

static void read_rows(enum tally_kind kind) {
    struct region region = {0};
    struct tally tally;
    assert_true(tally_begin(&tally, kind, &buckets, &live, NOW, &region));
    for (rows.count = 0; rows.count < 4000 && tally_next(&tally, &rows.row[rows.count]); rows.count++)
        ;
    region_free(&region);
}

static const struct tally_row *find_row(uint32_t stack, uint32_t labels, uint64_t slot_size, int64_t age) {
    const struct tally_row *found = NULL;
    for (size_t i = 0; i < rows.count; i++) {
        const struct tally_row *row = &rows.row[i];
        if (row->stack == stack && row->labels == labels && row->slot_size == slot_size && row->age == age) {
            assert_null(found);
            found = row;
        }
    }
    return found;
}

static void add(struct bucket_key key, int allocs, int frees) {
    uint32_t id = bucket_find(&buckets, &key);
    for (int i = 0; i < allocs; i++)
        bucket_add_alloc(&buckets, id, 1);
    for (int i = 0; i < frees; i++)
        bucket_add_free(&buckets, id);
}

static void start_over(void) {
    bucket_free(&buckets);
    live_free(&live);
}

static void test_empty(void **state) {
    (void)state;
    for (int kind = TALLY_NOW; kind <= TALLY_AGES; kind++) {
        read_rows((enum tally_kind)kind);
        assert_int_equal(rows.count, 0);
    }
}

static void test_rates_are_one_row(void **state) {
    (void)state;
    add((struct bucket_key){.stack = 1, .slot_size = 64, .rate = 1}, 10, 4);
    add((struct bucket_key){.stack = 2, .slot_size = 64, .rate = 1}, 7, 0);
    add((struct bucket_key){.stack = 1, .slot_size = 64, .rate = 512}, 3, 3);
    add((struct bucket_key){.stack = 1, .slot_size = 128, .rate = 512}, 1, 0);
    add((struct bucket_key){.stack = 1, .slot_size = 64, .rate = 512, .labels = 9}, 1, 0);
    add((struct bucket_key){.stack = 1, .slot_size = 64, .rate = 4096}, 5, 1);
    add((struct bucket_key){.stack = 3, .slot_size = 64, .rate = 4096}, 0, 0);
    read_rows(TALLY_NOW);
    assert_int_equal(rows.count, 4);
    const struct tally_row *row = find_row(1, 0, 64, TALLY_NO_AGE);
    assert_non_null(row);
    double w512 = sampler_weight(64, 512), w4096 = sampler_weight(64, 4096);
    assert_true(row->alloc_objects == 10 + 3 * w512 + 5 * w4096 || row->alloc_objects == 10 + 5 * w4096 + 3 * w512);
    assert_true(row->inuse_objects == 6 + 4 * w4096);
    assert_non_null(find_row(1, 9, 64, TALLY_NO_AGE));
    assert_non_null(find_row(1, 0, 128, TALLY_NO_AGE));
    assert_true(find_row(2, 0, 64, TALLY_NO_AGE)->alloc_objects == 7);
    start_over();
}

static void test_peak_rows(void **state) {
    (void)state;
    add((struct bucket_key){.stack = 1, .slot_size = 64, .rate = 1}, 100, 0);
    add((struct bucket_key){.stack = 2, .slot_size = 64, .rate = 1}, 50, 50);
    add((struct bucket_key){.stack = 1, .slot_size = 64, .rate = 1}, 0, 90);
    add((struct bucket_key){.stack = 3, .slot_size = 64, .rate = 1}, 1, 0);
    read_rows(TALLY_PEAK);
    assert_int_equal(rows.count, 2);
    assert_true(find_row(1, 0, 64, TALLY_NO_AGE)->inuse_objects == 100);
    assert_true(find_row(2, 0, 64, TALLY_NO_AGE)->inuse_objects == 50);
    start_over();
}

static void live_object(uintptr_t number, uint32_t bucket, uint32_t age) {
    struct live_birth birth = {.bucket = bucket, .time = NOW - age};
    assert_true(live_insert(&live, (const void *)(16 * (number + 1)), birth));
}

static void test_ages(void **state) {
    struct bucket_key key = {.stack = 1, .slot_size = 64, .rate = 1};
    static const uint32_t ages[] = {0, 1, 9, 10, 3599, 3600, 700000};
    (void)state;
    add(key, 20, 13);
    for (uintptr_t i = 0; i < sizeof ages / sizeof *ages; i++)
        live_object(i, bucket_find(&buckets, &key), ages[i]);
    read_rows(TALLY_AGES);
    assert_int_equal(rows.count, 7);
    assert_true(find_row(1, 0, 64, 0)->inuse_objects == 1);
    assert_true(find_row(1, 0, 64, 1)->inuse_objects == 2);
    assert_true(find_row(1, 0, 64, 10)->inuse_objects == 1);
    assert_null(find_row(1, 0, 64, 60));
    assert_true(find_row(1, 0, 64, 600)->inuse_objects == 1);
    assert_true(find_row(1, 0, 64, 3600)->inuse_objects == 1);
    assert_true(find_row(1, 0, 64, 604800)->alloc_objects == 1);
    assert_true(find_row(1, 0, 64, TALLY_NO_AGE)->inuse_objects == 0);
    assert_true(find_row(1, 0, 64, TALLY_NO_AGE)->alloc_objects == 13);
    start_over();
}

static void sums(double *allocs, double *inuse) {
    *allocs = *inuse = 0;
    for (size_t i = 0; i < rows.count; i++) {
        *allocs += rows.row[i].alloc_objects * (double)rows.row[i].slot_size;
        *inuse += rows.row[i].inuse_objects * (double)rows.row[i].slot_size;
    }
}

static void test_columns_sum_up(void **state) {
    struct rand_state rand;
    double allocs, inuse, allocs_by_age, inuse_by_age;
    (void)state;
    rand_seed(&rand, 5);
    for (uintptr_t i = 0; i < OBJECTS; i++) {
        struct bucket_key key = {.stack = 1 + (uint32_t)rand_below(&rand, 40),
                                 .slot_size = 16 * (1 + rand_below(&rand, 4)),
                                 .rate = rand_below(&rand, 2) ? 1 : 4096,
                                 .labels = (uint32_t)rand_below(&rand, 2)};
        bool lives = rand_below(&rand, 3) == 0;
        add(key, 1, !lives);
        if (lives)
            live_object(i, bucket_find(&buckets, &key), (uint32_t)rand_below(&rand, 100000));
    }
    read_rows(TALLY_NOW);
    assert_int_equal(rows.count, 40 * 4 * 2);
    sums(&allocs, &inuse);
    read_rows(TALLY_AGES);
    assert_true(rows.count > 40 * 4 * 2 * 4);
    sums(&allocs_by_age, &inuse_by_age);
    assert_true(allocs_by_age / allocs > 1 - 1e-9 && allocs_by_age / allocs < 1 + 1e-9);
    assert_true(inuse_by_age / inuse > 1 - 1e-9 && inuse_by_age / inuse < 1 + 1e-9);
    start_over();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty), cmocka_unit_test(test_rates_are_one_row), cmocka_unit_test(test_peak_rows),
        cmocka_unit_test(test_ages),  cmocka_unit_test(test_columns_sum_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
