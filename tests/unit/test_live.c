/* The table of live objects: against a plain array, under threads, and at its ceiling. */
#include "profiler/live.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/os.h"
#include "base/rand.h"
#include "profiler/table_memory.h"
#include "tests/support/unit.h"

enum { OBJECTS = 20000, OPERATIONS = 400000, THREADS = 4 };

static struct live_table table = LIVE_TABLE_INIT;

static struct live_birth born_in(uintptr_t bucket) {
    return (struct live_birth){.bucket = (uint32_t)bucket, .time = (uint32_t)bucket + 7};
}

static const void *object_at(uintptr_t number) { return (const void *)(0x7f0000000000 + number * 16); }

static void test_against_an_array(void **state) {
    static uint32_t buckets[OBJECTS]; /* 0 = not alive */
    struct rand_state rand;
    size_t count = 0;
    (void)state;
    rand_seed(&rand, 3);
    for (int i = 0; i < OPERATIONS; i++) {
        uintptr_t n = rand_below(&rand, OBJECTS);
        if (buckets[n]) {
            assert_int_equal(live_remove(&table, object_at(n)), buckets[n]);
            buckets[n] = 0;
            count--;
        } else {
            assert_int_equal(live_remove(&table, object_at(n)), 0);
            buckets[n] = (uint32_t)rand_below(&rand, 1 << 30) + 1;
            assert_true(live_insert(&table, object_at(n), born_in(buckets[n])));
            count++;
        }
        if (i % 50000 == 0)
            assert_int_equal(live_count(&table), count);
    }
    for (uintptr_t n = 0; n < OBJECTS; n++)
        assert_int_equal(live_remove(&table, object_at(n)), buckets[n]);
    assert_int_equal(live_count(&table), 0);
    live_free(&table);
    assert_int_equal(table_memory_used(), 0);
}

/* Each thread inserts and the next one frees: half of all records are taken out by another thread. */
static void *churn(void *argument) {
    uintptr_t base = (uintptr_t)argument * OBJECTS;
    for (int round = 0; round < 10; round++) {
        for (uintptr_t n = 0; n < OBJECTS; n++)
            if (!live_insert(&table, object_at(base + n), born_in(n + 1)))
                return &table;
        for (uintptr_t n = OBJECTS; n-- > 0;)
            if (live_remove(&table, object_at(base + n)) != n + 1)
                return &table;
    }
    return NULL;
}

static void test_threads(void **state) {
    pthread_t threads[THREADS];
    (void)state;
    for (uintptr_t i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, churn, (void *)i);
    for (int i = 0; i < THREADS; i++) {
        void *complaint;
        pthread_join(threads[i], &complaint);
        assert_null(complaint);
    }
    assert_int_equal(live_count(&table), 0);
    live_free(&table);
}

static void test_ceiling(void **state) {
    uintptr_t n = 0;
    (void)state;
    table_memory_set_limit(1 << 20);
    while (n < 200000 && live_insert(&table, object_at(n), born_in(1)))
        n++;
    assert_true(n > 10000 && n < 100000);
    assert_true(table_memory_used() <= 1 << 20);
    for (uintptr_t i = 0; i < n; i++)
        assert_int_equal(live_remove(&table, object_at(i)), 1);
    assert_true(live_insert(&table, object_at(0), born_in(1)));
    live_free(&table);
    table_memory_set_limit(64 << 20);
}

/* The table grows with what is in it: a page for the first objects, and never more than 86 bytes for each beyond (16
 * are needed). What shards shared while they were small is given back when they are not. */
static void test_memory_follows_the_records(void **state) {
    uintptr_t n = 0;
    (void)state;
    assert_int_equal(table_memory_used(), 0);
    for (; n < 100000; n++) {
        assert_true(live_insert(&table, object_at(n), born_in(1)));
        if (n < 20)
            assert_int_equal(table_memory_used(), os_page_size());
        else if (os_page_size() == 4096)
            assert_true(table_memory_used() <= 4 * 4096 + 86 * n);
    }
    /* 100,000 of 64 shards: each has 2048 slots in pages of its own. */
    assert_int_equal(table_memory_used(), LIVE_SHARDS * 2048 * 16);
    for (uintptr_t i = 0; i < n; i++)
        assert_int_equal(live_remove(&table, object_at(i)), 1);
    live_free(&table);
    assert_int_equal(table_memory_used(), 0);
}

/* All threads enter each size at once: the block of a size is made once, and given back once. */
static void *fill(void *argument) {
    uintptr_t base = (uintptr_t)argument * OBJECTS;
    for (uintptr_t n = 0; n < OBJECTS; n++)
        if (!live_insert(&table, object_at(base + n), born_in(n + 1)))
            return &table;
    return NULL;
}

static void test_threads_share_the_first_blocks(void **state) {
    (void)state;
    for (int round = 0; round < 20; round++) {
        pthread_t threads[THREADS];
        void *complaint;
        for (uintptr_t i = 0; i < THREADS; i++)
            pthread_create(&threads[i], NULL, fill, (void *)i);
        for (int i = 0; i < THREADS; i++) {
            pthread_join(threads[i], &complaint);
            assert_null(complaint);
        }
        assert_int_equal(live_count(&table), THREADS * OBJECTS);
        for (uintptr_t n = 0; n < THREADS * OBJECTS; n++)
            assert_int_equal(live_remove(&table, object_at(n)), n % OBJECTS + 1);
        live_free(&table);
        assert_int_equal(table_memory_used(), 0);
    }
}

static int by_bucket(const void *a, const void *b) {
    uint32_t x = ((const struct live_birth *)a)->bucket, y = ((const struct live_birth *)b)->bucket;
    return (x > y) - (x < y);
}

/* All records of all shards, each once, with its time; nothing where the room is too small. */
static void test_read(void **state) {
    static struct live_birth births[OBJECTS];
    size_t count = 0;
    (void)state;
    for (uintptr_t n = 0; n < OBJECTS; n++)
        assert_true(live_insert(&table, object_at(n), born_in(n + 1)));
    for (size_t i = 0; i < LIVE_SHARDS; i++) {
        size_t records = live_read(&table, i, births + count, 0);
        assert_int_equal(births[count].bucket, 0);
        assert_int_equal(live_read(&table, i, births + count, OBJECTS - count), records);
        count += records;
    }
    assert_int_equal(count, OBJECTS);
    qsort(births, count, sizeof *births, by_bucket);
    for (uint32_t n = 0; n < OBJECTS; n++) {
        assert_int_equal(births[n].bucket, n + 1);
        assert_int_equal(births[n].time, n + 8);
    }
    live_free(&table);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_an_array),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_ceiling),
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_memory_follows_the_records),
        cmocka_unit_test(test_threads_share_the_first_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
