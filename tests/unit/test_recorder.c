/* Recorders: a thread gets one when it has asked for it often enough, nobody else has it at the same time, and a later
 * thread goes on with it. Buckets with an owner: the owner and others count at once, and nothing is lost. */
#include "profiler/recorder.h"

#include <pthread.h>
#include <string.h>
#include <stdlib.h>

#include "alloc/malloc.h"
#include "base/atomic.h"
#include "base/os.h"
#include "profiler/bucket.h"
#include "tests/support/unit.h"

enum { THREADS = 4, SAMPLES = 3000000 };

static struct bucket_table table = BUCKET_TABLE_INIT;
static pthread_barrier_t barrier;

static struct recorder *ask(void) {
    heap_free(heap_malloc(1));
    for (int i = 0; i < RECORDER_AFTER && !recorder_mine(); i++)
        if (recorder_obtain())
            return NULL; /* too early */
    return recorder_obtain();
}

static size_t count_all(void) {
    size_t count = 0;
    for (struct recorder *recorder = recorder_first(); recorder; recorder = recorder->next)
        count++;
    return count;
}

static void *ask_together(void *unused) {
    (void)unused;
    struct recorder *recorder = ask();
    pthread_barrier_wait(&barrier);
    return recorder == recorder_mine() ? recorder : NULL;
}

static void ask_in_threads(struct recorder *got[THREADS]) {
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, ask_together, NULL);
    for (int i = 0; i < THREADS; i++) {
        void *recorder;
        pthread_join(threads[i], &recorder);
        got[i] = recorder;
        assert_non_null(recorder);
    }
}

static void test_one_for_each_thread(void **state) {
    struct recorder *first[THREADS], *later[THREADS];
    (void)state;
    assert_null(recorder_mine());
    ask_in_threads(first);
    for (int i = 0; i < THREADS; i++)
        for (int j = 0; j < i; j++)
            assert_true(first[i] != first[j] && first[i]->number != first[j]->number);
    assert_int_equal(count_all(), THREADS);
    assert_int_equal(recorder_count_bits(), 2);
    ask_in_threads(later); /* who find one from before */
    assert_int_equal(count_all(), THREADS);
}

/* A thread's own bucket, and the next thread's, of which it frees every second sample. */
static uint32_t ids[THREADS];

static void *record(void *argument) {
    size_t mine = (size_t)argument;
    struct recorder *recorder = ask();
    struct bucket_key key = {.slot_size = 64, .rate = 1, .stack = 1, .owner = recorder->number};
    ids[mine] = bucket_find(&table, &key);
    pthread_barrier_wait(&barrier);
    uint32_t other = ids[(mine + 1) % THREADS];
    for (int i = 0; i < SAMPLES; i++)
        bucket_add_alloc_by(&table, ids[mine], 50, recorder);
    pthread_barrier_wait(&barrier);
    for (int i = 0; i < SAMPLES / 2; i++) {
        bucket_add_free_by(&table, i % 2 ? other : ids[mine], recorder);
        bucket_add_alloc_by(&table, ids[mine], 50, recorder);
    }
    return NULL;
}

static void test_owners_and_others(void **state) {
    pthread_t threads[THREADS];
    (void)state;
    for (size_t i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, record, (void *)i);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(bucket_count(&table), THREADS);
    assert_true(table.rows_are_shared);
    for (uint32_t id = 1; id <= THREADS; id++) {
        struct bucket_view view = bucket_read(&table, id);
        assert_int_equal(view.allocs, SAMPLES + SAMPLES / 2);
        assert_int_equal(view.frees, SAMPLES / 2);
        assert_int_equal(view.asked, 50 * view.allocs);
    }
    /* The sum over the threads, told or not. */
    int64_t inuse = (int64_t)table.peak.inuse;
    for (struct recorder *recorder = recorder_first(); recorder; recorder = recorder->next)
        inuse += atomic_load_relaxed(&recorder->inuse);
    assert_int_equal(inuse, (int64_t)THREADS * SAMPLES * 64);
    peak_settle(&table.peak);
    uint64_t high = table.peak.high, true_high = (uint64_t)THREADS * SAMPLES * 64;
    assert_true(high >= true_high && high <= true_high + true_high / 50);
    bucket_free(&table);
}

/* A thread without a recorder, and a bucket without an owner. */
static void test_mixed(void **state) {
    struct recorder *recorder = ask();
    struct bucket_key key = {.slot_size = 32, .rate = 1, .stack = 9, .owner = recorder->number};
    struct bucket_key shared = {.slot_size = 32, .rate = 1, .stack = 9};
    uint32_t own = bucket_find(&table, &key), id = bucket_find(&table, &shared);
    (void)state;
    assert_int_not_equal(own, id);
    bucket_add_alloc_by(&table, own, 1, recorder);
    bucket_add_alloc_by(&table, id, 1, recorder);
    bucket_add_free(&table, own);
    bucket_add_free_by(&table, id, recorder);
    for (uint32_t i = 1; i <= 2; i++) {
        struct bucket_view view = bucket_read(&table, i);
        assert_true(view.allocs == 1 && view.frees == 1);
    }
    bucket_free(&table);
}

static void test_seconds(void **state) {
    struct recorder *recorder = ask();
    (void)state;
    for (int prepared = 0; prepared < 2; prepared++) {
        for (int i = 0; i < 1000; i++) {
            uint32_t before = os_seconds(), told = recorder_seconds(recorder);
            assert_true(told + 1 >= before && told <= os_seconds());
        }
        recorder_prepare();
    }
    uint32_t began = recorder_seconds(recorder);
    recorder->wall -= 3600; /* the clock was set */
    recorder->second -= 100;
    assert_true(recorder_seconds(recorder) - began <= 1);
}

/* Where the tables were emptied nothing of them is remembered. */
static void test_forget(void **state) {
    struct recorder *recorder = ask();
    (void)state;
    memset(recorder->buckets, 0xff, sizeof recorder->buckets);
    memset(recorder->memo, 0xff, sizeof *recorder->memo);
    atomic_store_relaxed(&recorder->inuse, 77);
    recorder_forget();
    for (size_t i = 0; i < RECORDER_BUCKETS; i++)
        assert_int_equal(recorder->buckets[i], 0);
    for (size_t i = 0; i < STACK_MEMO_PLACES; i++)
        assert_int_equal(recorder->memo->places[i], 0);
    assert_int_equal(recorder->memo->next, 0);
    assert_int_equal(atomic_load_relaxed(&recorder->inuse), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_for_each_thread),
        cmocka_unit_test(test_owners_and_others),
        cmocka_unit_test(test_mixed),
        cmocka_unit_test(test_seconds),
        cmocka_unit_test(test_forget),
    };
    heap_free(heap_malloc(1)); /* the heap is set up before there are threads */
    recorder_set_depth(160);
    pthread_barrier_init(&barrier, NULL, THREADS);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
