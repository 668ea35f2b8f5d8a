/* Buckets: one for each key, exact counts under threads, and never more frees than allocations in any
 * reading. */
#include "profiler/bucket.h"

#include <pthread.h>

#include "base/atomic.h"
#include "tests/support/unit.h"

enum { THREADS = 4, KEYS = 500, ROUNDS = 200000 };

static struct bucket_table table = BUCKET_TABLE_INIT;

static uint32_t find(uint32_t stack, uint64_t slot_size, uint64_t rate) {
    struct bucket_key key = {.slot_size = slot_size, .rate = rate, .stack = stack};
    return bucket_find(&table, &key);
}
static _Atomic bool stop;

static void *count_events(void *unused) {
    (void)unused;
    for (uint32_t i = 0; i < ROUNDS; i++) {
        uint32_t id = find(1 + i % KEYS, 8 * (i % 7), 1);
        bucket_add_alloc(&table, id, 3);
        if (i % 2)
            bucket_add_free(&table, id);
    }
    return NULL;
}

static void *watch(void *unused) {
    while (!atomic_load_relaxed(&stop)) {
        for (uint32_t id = 1; id <= bucket_count(&table); id++) {
            struct bucket_view view = bucket_read(&table, id);
            if (view.frees > view.allocs || view.stack == 0)
                return &table;
        }
    }
    return unused;
}

static void test_threads_count_exactly(void **state) {
    pthread_t threads[THREADS], watcher;
    uint64_t allocs = 0, frees = 0;
    void *complaint;
    (void)state;
    pthread_create(&watcher, NULL, watch, NULL);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, count_events, NULL);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    atomic_store_relaxed(&stop, true);
    pthread_join(watcher, &complaint);
    assert_null(complaint);
    assert_int_equal(bucket_count(&table), KEYS * 7);
    for (uint32_t id = 1; id <= bucket_count(&table); id++) {
        allocs += bucket_read(&table, id).allocs;
        frees += bucket_read(&table, id).frees;
    }
    assert_int_equal(allocs, THREADS * ROUNDS);
    assert_int_equal(frees, THREADS * ROUNDS / 2);
    bucket_free(&table);
}

static void test_every_part_of_the_key_counts(void **state) {
    (void)state;
    uint32_t id = find(1, 16, 512);
    assert_int_equal(find(1, 16, 512), id);
    assert_int_not_equal(find(2, 16, 512), id);
    assert_int_not_equal(find(1, 32, 512), id);
    assert_int_not_equal(find(1, 16, 1), id);
    assert_int_equal(bucket_count(&table), 4);
    bucket_free(&table);
}

static void test_full_table_refuses(void **state) {
    uint32_t stack = 1;
    (void)state;
    table_memory_set_limit(1 << 20);
    while (find(stack, 8, 1))
        assert_true(++stack < 100000);
    assert_true(stack > 3500);
    assert_int_equal(bucket_count(&table), stack - 1);
    assert_int_not_equal(find(1, 8, 1), 0);
    bucket_free(&table);
    table_memory_set_limit(64 << 20);
    assert_int_equal(table_memory_used(), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads_count_exactly),
        cmocka_unit_test(test_every_part_of_the_key_counts),
        cmocka_unit_test(test_full_table_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
