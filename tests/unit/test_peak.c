/* The table as of the high-water mark: against a copy that the test itself keeps at every new height, over random
 * histories of many buckets; the height within a 512th; buckets that are born later; threads that change buckets while
 * the mark is read. */
#include "profiler/peak.h"

#include <pthread.h>
#include <string.h>

#include "base/atomic.h"
#include "base/rand.h"
#include "profiler/bucket.h"
#include "profiler/sampler.h"
#include "tests/support/unit.h"

enum { BUCKETS = 300, STEPS = 20000, THREADS = 4 };

static struct bucket_table table = BUCKET_TABLE_INIT;

/* What the test knows: samples by bucket, now and at the highest sum that a free ever left behind. */
static struct history {
    uint64_t allocs[BUCKETS], frees[BUCKETS];
    uint64_t inuse, high;
} now, highest;

static uint64_t size_of(unsigned bucket) { return 16 * (1 + bucket % 50); }
static uint64_t rate_of(unsigned bucket) { return bucket % 3 ? 1 : 4096; }

static uint32_t id_of(unsigned bucket) {
    struct bucket_key key = {.slot_size = size_of(bucket), .rate = rate_of(bucket), .stack = 1 + bucket};
    return bucket_find(&table, &key);
}

static uint64_t weight_of(unsigned bucket) { return sampler_weight_bytes(size_of(bucket), rate_of(bucket)); }

static void note_height(void) {
    if (now.inuse > highest.inuse)
        highest = now;
}

static void take(unsigned bucket) {
    bucket_add_alloc(&table, id_of(bucket), 1);
    now.allocs[bucket]++;
    now.inuse += weight_of(bucket);
    note_height();
}

static void drop(unsigned bucket) {
    bucket_add_free(&table, id_of(bucket));
    now.frees[bucket]++;
    now.inuse -= weight_of(bucket);
}

/* Of bytes, how far the mark that was read is from the true one: the sum over the buckets of the differences. */
static uint64_t distance(void) {
    static struct bucket_peak peak[BUCKETS];
    uint64_t bytes = 0, height = 0;
    uint32_t count = bucket_count(&table);
    bucket_read_peak(&table, peak, count);
    for (unsigned i = 0; i < BUCKETS; i++) {
        uint32_t id = id_of(i);
        struct bucket_peak found = id <= count ? peak[id - 1] : (struct bucket_peak){0, 0};
        uint64_t live = found.allocs - found.frees, true_live = highest.allocs[i] - highest.frees[i];
        bytes += weight_of(i) * (live > true_live ? live - true_live : true_live - live);
        height += weight_of(i) * live;
    }
    assert_int_equal(height, peak_settle(&table.peak));
    return bytes;
}

static void start_over(void) {
    bucket_free(&table);
    memset(&now, 0, sizeof now);
    memset(&highest, 0, sizeof highest);
}

/* Waves: the heap rises with few frees, and falls. Every wave is higher or lower than the one before, as chance says.
 */
static void test_random_histories(void **state) {
    struct rand_state rand;
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        rand_seed(&rand, seed);
        for (int step = 0; step < STEPS; step++) {
            unsigned bucket = (unsigned)rand_below(&rand, BUCKETS);
            bool rising = step / (1000 + seed * 100) % 2 == 0;
            bool may_free = now.allocs[bucket] > now.frees[bucket];
            if (may_free && rand_below(&rand, 10) < (rising ? 3 : 8))
                drop(bucket);
            else if (rising || rand_below(&rand, 10) == 0)
                take(bucket);
        }
        assert_true(table.peak.high <= highest.inuse);
        assert_true(highest.inuse - peak_settle(&table.peak) <= highest.inuse / PEAK_STEP);
        /* Two heights that differ by so little may be some steps apart, and what lies between is freed and taken. */
        assert_true(distance() <= highest.inuse / 50);
        start_over();
    }
}

/* One rise and one fall: to the unit. */
static void test_one_summit_is_exact(void **state) {
    (void)state;
    for (unsigned i = 0; i < BUCKETS; i++)
        for (unsigned n = 0; n <= i % 5; n++)
            take(i);
    for (unsigned i = 0; i < BUCKETS; i++)
        drop(i);
    for (unsigned i = 0; i < BUCKETS; i += 7)
        take(i);
    assert_int_equal(distance(), 0);
    assert_int_equal(peak_settle(&table.peak), highest.inuse);
    start_over();
}

/* A heap that is at its highest now is its own mark, and reading it does not disturb the next. */
static void test_now_is_the_highest(void **state) {
    (void)state;
    assert_int_equal(peak_settle(&table.peak), 0);
    for (unsigned i = 0; i < 100; i++) {
        take(i);
        assert_int_equal(distance(), 0);
    }
    drop(3);
    assert_int_equal(distance(), 0);
    start_over();
}

static void test_a_bucket_born_later_was_not_there(void **state) {
    struct bucket_peak peak[2];
    (void)state;
    for (int i = 0; i < 100; i++)
        take(0);
    for (int i = 0; i < 100; i++)
        drop(0);
    take(1);
    bucket_read_peak(&table, peak, 2);
    assert_int_equal(peak[0].allocs, 100);
    assert_int_equal(peak[0].frees, 0);
    assert_int_equal(peak[1].allocs, 0);
    start_over();
}

static _Atomic bool stop;

static void *wave(void *argument) {
    unsigned first = (unsigned)(uintptr_t)argument;
    while (!atomic_load_relaxed(&stop)) {
        for (unsigned i = first; i < first + 40; i++)
            bucket_add_alloc(&table, id_of(i), 1);
        for (unsigned i = first; i < first + 40; i++)
            bucket_add_free(&table, id_of(i));
    }
    return NULL;
}

/* Four threads that share half of their buckets. What is read never has more frees than allocations, nor more in use
 * than all of them can have. */
static void test_threads(void **state) {
    static struct bucket_peak peak[BUCKETS];
    pthread_t threads[THREADS];
    (void)state;
    atomic_store_relaxed(&stop, false);
    for (uintptr_t i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, wave, (void *)(i * 20));
    for (int i = 0; i < 2000; i++) {
        uint32_t count = bucket_count(&table);
        bucket_read_peak(&table, peak, count);
        for (uint32_t id = 1; id <= count; id++) {
            assert_true(peak[id - 1].frees <= peak[id - 1].allocs + THREADS);
            assert_true((int64_t)(peak[id - 1].allocs - peak[id - 1].frees) <= 2 * THREADS);
        }
    }
    atomic_store_relaxed(&stop, true);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load_relaxed(&table.peak.inuse), 0);
    bucket_free(&table);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_histories),
        cmocka_unit_test(test_one_summit_is_exact),
        cmocka_unit_test(test_now_is_the_highest),
        cmocka_unit_test(test_a_bucket_born_later_was_not_there),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
