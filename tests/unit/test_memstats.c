/* Memstats of a heap of which this test knows every byte: each field exactly while nothing moves, and the equations and
 * bounds while eight threads allocate. The process keeps its own malloc, so the heap is this test's alone. */
#include "alloc/memstats.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

#include "alloc/malloc.h"
#include "alloc/page_heap.h"
#include "alloc/scavenger.h"
#include "alloc/thread.h"
#include "base/atomic.h"
#include "base/check.h"
#include "base/os.h"
#include "base/rand.h"
#include "tests/support/child.h"
#include "tests/support/memstats_check.h"
#include "tests/support/unit.h"

static struct heaptap_memstats read_checked(void) {
    static const struct heaptap_memstats zero;
    struct heaptap_memstats stats;
    memstats_read(&stats);
    const char *broken = memstats_broken(&stats, &zero);
    if (broken)
        fail_msg("%s", broken);
    return stats;
}

/* Runs it on a thread that then ends. */
static void on_a_thread(void *(*run)(void *), void *argument) {
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, run, argument), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

/* ---- at rest ---- */

static void test_objects_are_counted_exactly(void **state) {
    (void)state;
    enum { SMALL = 1000, LARGE = 10, LARGE_BYTES = 100000 };
    static void *small[SMALL], *large[LARGE];
    unsigned class = size_class_of(200);
    uint64_t slot = size_classes[class].size, pages = (LARGE_BYTES + HEAP_PAGE_SIZE - 1) / HEAP_PAGE_SIZE;
    struct heaptap_memstats before = read_checked();
    for (int i = 0; i < SMALL; i++)
        small[i] = heap_malloc(200);
    for (int i = 0; i < LARGE; i++)
        large[i] = heap_malloc(LARGE_BYTES);
    struct heaptap_memstats full = read_checked();
    uint64_t bytes = SMALL * slot + LARGE * pages * HEAP_PAGE_SIZE;
    assert_int_equal(full.heap_alloc - before.heap_alloc, bytes);
    assert_int_equal(full.total_alloc - before.total_alloc, bytes);
    assert_int_equal(full.mallocs - before.mallocs, SMALL + LARGE);
    assert_int_equal(full.heap_objects - before.heap_objects, SMALL + LARGE);
    assert_int_equal(full.frees, before.frees);
    assert_int_equal(full.by_size[class].size, slot);
    assert_int_equal(full.by_size[class].mallocs - before.by_size[class].mallocs, SMALL);
    assert_true(full.by_size[class].inuse - before.by_size[class].inuse >= SMALL * slot);
    for (int i = 0; i < SMALL; i++)
        heap_free(small[i]);
    for (int i = 0; i < LARGE; i++)
        heap_free(large[i]);
    struct heaptap_memstats after = read_checked();
    assert_int_equal(after.heap_alloc, before.heap_alloc);
    assert_int_equal(after.total_alloc, full.total_alloc);
    assert_int_equal(after.frees - before.frees, SMALL + LARGE);
    assert_int_equal(after.by_size[class].frees - before.by_size[class].frees, SMALL);
}

/* Objects from several spans; then all are freed but one in each of them. */
static void test_spans_with_one_object(void **state) {
    (void)state;
    enum { OBJECTS = 400 };
    static void *objects[OBJECTS];
    unsigned class = size_class_of(2048);
    struct heaptap_memstats before = read_checked();
    const struct span *last = NULL;
    uint64_t spans = 0, kept = 0;
    for (int i = 0; i < OBJECTS; i++)
        objects[i] = heap_malloc(2048);
    struct heaptap_memstats full = read_checked();
    for (int i = 0; i < OBJECTS; i++) {
        const struct span *span = arena_map_span(objects[i]);
        spans += span != last;
        kept += span != last;
        if (span == last) {
            heap_free(objects[i]);
            objects[i] = NULL;
        }
        last = span;
    }
    struct heaptap_memstats after = read_checked();
    assert_true(spans > 20);
    assert_true(full.by_size[class].spans - before.by_size[class].spans >= spans - 1);
    assert_true(full.by_size[class].single_object_spans <= 1);
    assert_int_equal(after.by_size[class].single_object_spans, kept);
    assert_true(after.single_object_spans >= kept);
    uint64_t slots = (full.by_size[class].spans * size_classes[class].pages * HEAP_PAGE_SIZE) / 2048;
    assert_true(after.cached_free - before.cached_free <= slots * 2048);
    assert_int_equal(after.cached_free + after.central_free - full.cached_free - full.central_free,
                     (OBJECTS - kept) * 2048);
    assert_int_equal(after.heap_objects - before.heap_objects, kept);
    for (int i = 0; i < OBJECTS; i++)
        heap_free(objects[i]);
    assert_int_equal(read_checked().by_size[class].single_object_spans, 0); /* also where an empty span is kept */
}

static void *leave_half(void *kept) {
    void **objects = kept, *others[64];
    for (int i = 0; i < 64; i++) {
        objects[i] = heap_malloc(1000);
        others[i] = heap_malloc(1000);
    }
    for (int i = 0; i < 64; i++)
        heap_free(others[i]);
    return NULL;
}

/* What a thread leaves behind is nobody's: the free slots of the spans in which something of it lives on. */
static void test_free_slots_without_a_thread(void **state) {
    (void)state;
    void *objects[64], *mine = heap_malloc(1000); /* whose span has free slots of the same size */
    unsigned class = size_class_of(1000);
    struct heaptap_memstats before = read_checked();
    on_a_thread(leave_half, objects);
    struct heaptap_memstats after = read_checked();
    uint64_t slot = size_classes[class].size, room = 0;
    const struct span *last = NULL;
    for (int i = 0; i < 64; i++) {
        const struct span *span = arena_map_span(objects[i]);
        room += span != last ? span->slots * slot : 0;
        last = span;
    }
    assert_int_equal(after.heap_alloc - before.heap_alloc, 64 * slot);
    assert_int_equal(after.central_free - before.central_free, room - 64 * slot);
    assert_int_equal(after.cached_free, before.cached_free);
    for (int i = 0; i < 64; i++)
        heap_free(objects[i]);
    struct heaptap_memstats freed = read_checked();
    assert_int_equal(freed.central_free, before.central_free);
    assert_int_equal(freed.by_size[class].spans, before.by_size[class].spans);
    heap_free(mine);
}

/* In a new heap: one object of 64 bytes and what its span has beside. */
static void one_object(void *unused) {
    (void)unused;
    void *object = heap_malloc(64);
    struct heaptap_memstats stats = read_checked();
    struct span *span = arena_map_span(object);
    CHECK(stats.heap_objects == 1 && stats.heap_alloc == 64 && stats.spans == 1);
    CHECK(stats.heap_inuse == span->pages * HEAP_PAGE_SIZE);
    CHECK(stats.cached_free == span->slots * 64 - 64 && stats.central_free == 0 && stats.span_tails == 0);
    CHECK(stats.single_object_spans == 1); /* of its own thread it is known even while it is the current one */
    uint64_t touched = os_page_size() > 4096 ? os_page_size() : 4096;
    CHECK(stats.untouched == (touched < stats.heap_inuse ? stats.heap_inuse - touched : 0));
    CHECK(stats.heap_sys == CHUNK_BYTES && stats.heap_idle - stats.heap_released == 0);
    CHECK(stats.largest_free_run == CHUNK_BYTES - stats.heap_inuse);
    void *large = heap_malloc(1 << 20);
    stats = read_checked();
    CHECK(stats.largest_free_run == stats.heap_idle && stats.largest_free_run == CHUNK_BYTES - stats.heap_inuse);
    memset(large, 1, 1 << 20);
    heap_free(large);
    stats = read_checked();
    CHECK(stats.heap_idle - stats.heap_released == 1 << 20);
    uint64_t untouched = stats.untouched;
    object = heap_malloc(128);
    CHECK(read_checked().untouched ==
          untouched); /* a span of pages that were written to has memory behind all of them */
    heap_free(object);
    CHECK(scavenger_release_all() >= (1 << 20) - 8 * HEAP_PAGE_SIZE);
    stats = read_checked();
    CHECK(stats.heap_idle == stats.heap_released);
}

/* A class of which a span's end is too short for a slot. */
static void a_tail(void *unused) {
    (void)unused;
    unsigned class = 1;
    while (HEAP_PAGE_SIZE * size_classes[class].pages % size_classes[class].size == 0)
        class ++;
    struct span *span = arena_map_span(heap_malloc(size_classes[class].size));
    struct heaptap_memstats stats = read_checked();
    CHECK(stats.span_tails > 0 && stats.span_tails == span->pages * HEAP_PAGE_SIZE - span->slots_bytes);
    CHECK(stats.cached_free == span->slots_bytes - span->slot_size);
}

static void in_a_new_heap(void (*body)(void *)) {
    struct child_result result;
    child_run(body, NULL, &result);
    if (!child_exited(&result, 0))
        fail_msg("%s", result.error_text);
}

static void test_a_new_heap(void **state) {
    (void)state;
    in_a_new_heap(one_object);
    in_a_new_heap(a_tail);
}

/* The allocation that is to be sampled is counted by the fast path, taken back and counted by the slow one. A reader
 * that comes between must not see the count fall. */
static void test_the_due_one_counts_once(void **state) {
    (void)state;
    static struct cache cache;
    struct owner_count *due = &cache.slots[5].due;
    assert_int_equal(cache_mallocs(&cache, 5), 0);
    cache_set_due(&cache, 5, 3);
    assert_false(owner_count_step(due) || owner_count_step(due));
    assert_int_equal(cache_mallocs(&cache, 5), 2);
    assert_true(owner_count_step(due)); /* fast */
    assert_int_equal(cache_mallocs(&cache, 5), 2);
    owner_count_add(due, -(uint64_t)1);
    assert_int_equal(cache_mallocs(&cache, 5), 2);
    assert_true(owner_count_step(due)); /* slow */
    assert_int_equal(cache_mallocs(&cache, 5), 2);
    cache_set_due(&cache, 5, UINT64_MAX);
    assert_int_equal(cache_mallocs(&cache, 5), 3);
}

/* ---- while eight threads allocate ---- */

enum { THREADS = 8, OWN = 500, SHARED = 4096 };

static _Atomic(void *) shared[SHARED];
static _Atomic bool stop;
static _Atomic int at_work;
static _Atomic uint64_t readings;

static size_t any_size(struct rand_state *rand) {
    uint64_t kind = rand_below(rand, 1000);
    return 1 + rand_below(rand, kind < 900 ? 500 : kind < 990 ? 32768 : 300000);
}

/* Replaces, resizes and passes on objects of all sizes; nearly every second one is freed by another thread. */
static void mix(struct rand_state *rand) {
    uint64_t at = rand_below(rand, SHARED);
    void *mine = rand_below(rand, 8) ? heap_malloc(any_size(rand)) : heap_memalign(64, any_size(rand));
    memset(mine, 1, sizeof(void *));
    void *theirs = atomic_swap_acq_rel(&shared[at], mine);
    if (theirs && rand_below(rand, 4) == 0)
        theirs = heap_realloc(theirs, any_size(rand));
    heap_free(theirs);
}

static void *mix_for_a_while(void *seed) {
    struct rand_state rand;
    rand_seed(&rand, (uintptr_t)seed);
    for (int i = 0; i < 20000 && !atomic_load_relaxed(&stop); i++)
        mix(&rand);
    return NULL;
}

/* Threads that come and go. */
static void *mix_on_threads(void *seed) {
    for (uintptr_t i = 1; !atomic_load_relaxed(&stop); i++)
        on_a_thread(mix_for_a_while, (void *)((uintptr_t)seed * 1000 + i));
    return NULL;
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void *watch(void *unused) {
    struct heaptap_memstats two[2] = {0};
    uint64_t i = 0;
    const char *broken = NULL;
    (void)unused;
    while (!atomic_load_relaxed(&stop) && !broken) {
        memstats_read(&two[i % 2]);
        broken = memstats_broken(&two[i % 2], &two[(i + 1) % 2]);
        i++;
    }
    atomic_add_relaxed(&readings, i);
    return (void *)(uintptr_t)broken;
}

static void run_for(double seconds, void *(*run)(void *)) {
    pthread_t threads[THREADS];
    struct timespec moment = {0, 10000000};
    for (uintptr_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, run, (void *)(i + 1)), 0);
    for (double end = now() + seconds; now() < end && !atomic_load_relaxed(&stop);)
        nanosleep(&moment, NULL);
    atomic_store_relaxed(&stop, true);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

static void test_equations_hold_while_threads_allocate(void **state) {
    (void)state;
    pthread_t watchers[2];
    void *broken[2];
    stop = false;
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&watchers[i], NULL, watch, NULL), 0);
    run_for(2, mix_on_threads);
    for (int i = 0; i < 2; i++)
        pthread_join(watchers[i], &broken[i]);
    for (int i = 0; i < 2; i++)
        if (broken[i])
            fail_msg("%s", (const char *)broken[i]);
    print_message("%lu readings\n", (unsigned long)readings);
    assert_true(readings > 50);
    for (int i = 0; i < SHARED; i++)
        heap_free(atomic_swap_acq_rel(&shared[i], NULL));
    read_checked();
}

/* Each thread has OWN objects, and for moments one more. */
static void *replace_own(void *seed) {
    void *own[OWN];
    struct rand_state rand;
    rand_seed(&rand, (uintptr_t)seed);
    for (int i = 0; i < OWN; i++)
        own[i] = heap_malloc(40);
    atomic_add_seq_cst(&at_work, 1);
    while (!atomic_load_relaxed(&stop)) {
        void **object = &own[rand_below(&rand, OWN)];
        void *fresh = heap_malloc(40);
        heap_free(*object);
        *object = fresh;
    }
    for (int i = 0; i < OWN; i++)
        heap_free(own[i]);
    return NULL;
}

static struct { uint64_t before, readings, off; } tally;

static void *tally_live(void *unused) {
    (void)unused;
    while (atomic_load_seq_cst(&at_work) < THREADS)
        sched_yield();
    for (double end = now() + 1; now() < end; tally.readings++) {
        struct heaptap_memstats stats;
        memstats_read_totals(&stats);
        uint64_t live = stats.heap_objects - tally.before;
        tally.off += live < THREADS * OWN || live > THREADS * (OWN + 1);
    }
    atomic_store_relaxed(&stop, true);
    return NULL;
}

/* What a thread makes and frees itself is seen whole: the live objects are right to one for each thread, in however
 * many millions they come and go meanwhile. */
static void test_churn_does_not_blur(void **state) {
    (void)state;
    pthread_t reader;
    stop = false;
    tally.before = read_checked().heap_objects;
    assert_int_equal(pthread_create(&reader, NULL, tally_live, NULL), 0);
    run_for(60, replace_own);
    pthread_join(reader, NULL);
    print_message("%lu readings, %lu off\n", (unsigned long)tally.readings, (unsigned long)tally.off);
    assert_true(tally.readings > 100);
    assert_true(tally.off <= tally.readings / 100);
    assert_int_equal(read_checked().heap_objects, tally.before);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_new_heap),
        cmocka_unit_test(test_objects_are_counted_exactly),
        cmocka_unit_test(test_spans_with_one_object),
        cmocka_unit_test(test_free_slots_without_a_thread),
        cmocka_unit_test(test_the_due_one_counts_once),
        cmocka_unit_test(test_equations_hold_while_threads_allocate),
        cmocka_unit_test(test_churn_does_not_blur),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
