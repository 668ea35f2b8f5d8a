/* Live records by page: against a plain array, with slots of many sizes, on pages that change their size; under threads
 * that free each other's objects; read while they change; at the ceiling. */
#include "profiler/live_pages.h"

#include <pthread.h>
#include <string.h>

#include "base/rand.h"
#include "tests/support/unit.h"

enum { PAGE = 8192, PAGES = 200, OPERATIONS = 400000, THREADS = 4, OBJECTS = 20000 };

static struct live_pages pages = LIVE_PAGES_INIT;
static const size_t sizes[] = {8, 16, 24, 48, 64, 112, 320, 448, 1024};

enum { SIZES = sizeof sizes / sizeof *sizes };

static const void *object_at(size_t page, size_t size, size_t slot) {
    return (const void *)(0x7f0000000000 + page * PAGE + slot * size);
}

static struct live_birth born_in(size_t bucket) {
    return (struct live_birth){.bucket = (uint32_t)bucket, .time = (uint32_t)bucket + 7};
}

/* A page has slots of one size at a time, and gets another when it is empty. */
static struct {
    unsigned kind;
    unsigned count;
    uint32_t buckets[PAGE / 8]; /* 0 = not alive */
} model[PAGES];

static struct {
    size_t count;
    uint64_t sum;
} seen;

static void note(struct live_birth birth, void *unused) {
    (void)unused;
    seen.count++;
    seen.sum += birth.bucket;
    assert_int_equal(birth.time, birth.bucket + 7);
}

static void compare_all(void) {
    size_t count = 0;
    uint64_t sum = 0;
    for (size_t page = 0; page < PAGES; page++)
        for (size_t i = 0; i < PAGE / 8; i++) {
            count += model[page].buckets[i] != 0;
            sum += model[page].buckets[i];
        }
    memset(&seen, 0, sizeof seen);
    live_pages_each(&pages, note, NULL);
    assert_int_equal(seen.count, count);
    assert_int_equal(seen.sum, sum);
}

static void test_against_an_array(void **state) {
    struct rand_state rand;
    (void)state;
    rand_seed(&rand, 5);
    for (int i = 0; i < OPERATIONS; i++) {
        size_t page = rand_below(&rand, PAGES);
        if (model[page].count == 0)
            model[page].kind = (unsigned)rand_below(&rand, SIZES);
        size_t size = sizes[model[page].kind], slots = PAGE / size;
        size_t slot = rand_below(&rand, slots < 12 ? slots : 12); /* few, so that pages become empty */
        uint32_t *bucket = &model[page].buckets[slot];
        const void *object = object_at(page, size, slot);
        assert_int_equal(live_pages_remove(&pages, object, size), *bucket);
        if (*bucket) {
            *bucket = 0;
            model[page].count--;
        } else {
            *bucket = (uint32_t)rand_below(&rand, 1 << 30) + 1;
            assert_true(live_pages_insert(&pages, object, size, born_in(*bucket)));
            model[page].count++;
        }
        if (i % 50000 == 0)
            compare_all();
    }
    compare_all();
    live_pages_free(&pages);
    assert_int_equal(table_memory_used(), 0);
}

static void test_what_is_too_large_or_small(void **state) {
    (void)state;
    assert_false(live_pages_insert(&pages, object_at(0, 2048, 0), 2048, born_in(1)));
    assert_false(live_pages_insert(&pages, object_at(0, 4, 0), 4, born_in(1)));
    assert_int_equal(live_pages_remove(&pages, object_at(0, 2048, 0), 2048), 0);
    assert_int_equal(live_pages_remove(&pages, object_at(0, 4, 0), 4), 0);
    live_pages_free(&pages);
}

/* Each thread fills pages of its own and frees what its neighbour has filled, all the while others make new pages. */
static pthread_barrier_t barrier;

static void *churn(void *argument) {
    size_t mine = (size_t)argument, other = (mine + 1) % THREADS;
    void *complaint = NULL;
    for (int round = 0; round < 10; round++) {
        for (size_t n = 0; n < OBJECTS; n++)
            if (!live_pages_insert(&pages, object_at(1000 * mine, 48, n / 170 * 170 + n % 170), 48, born_in(n + 1)))
                complaint = &pages;
        pthread_barrier_wait(&barrier);
        for (size_t n = OBJECTS; n-- > 0;)
            if (live_pages_remove(&pages, object_at(1000 * other, 48, n / 170 * 170 + n % 170), 48) != n + 1)
                complaint = &pages;
        pthread_barrier_wait(&barrier);
    }
    return complaint;
}

static void test_threads(void **state) {
    pthread_t threads[THREADS];
    (void)state;
    pthread_barrier_init(&barrier, NULL, THREADS);
    for (size_t i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, churn, (void *)i);
    for (int i = 0; i < THREADS; i++) {
        void *complaint;
        pthread_join(threads[i], &complaint);
        assert_null(complaint);
    }
    memset(&seen, 0, sizeof seen);
    live_pages_each(&pages, note, NULL);
    assert_int_equal(seen.count, 0);
    live_pages_free(&pages);
}

static void test_ceiling(void **state) {
    size_t n = 0;
    (void)state;
    table_memory_set_limit(1 << 20);
    while (n < 10000 && live_pages_insert(&pages, object_at(n, 16, 0), 16, born_in(n + 1)))
        n++;
    assert_true(n > 150 && n < 300); /* an array of 4 KiB each */
    assert_true(table_memory_used() <= 1 << 20);
    assert_true(live_pages_insert(&pages, object_at(0, 16, 1), 16, born_in(7)));
    for (size_t i = 0; i < n; i++)
        assert_int_equal(live_pages_remove(&pages, object_at(i, 16, 0), 16), i + 1);
    live_pages_free(&pages);
    table_memory_set_limit(64 << 20);
    assert_int_equal(table_memory_used(), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_an_array),
        cmocka_unit_test(test_what_is_too_large_or_small),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_ceiling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
