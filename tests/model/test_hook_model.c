/* The sampling contract of alloc/hook.h, from the hook's side.
 *
 * The hook keeps a table of the objects that it recorded. An object that is recorded twice, or freed without
 * being in the table, or freed with another slot size, is a mistake of the allocator; so is one that is still
 * there when all is freed. With every allocation sampled the table must hold exactly the live objects at
 * every moment, through frees by other threads, resizing in place, and the end of the allocating thread. With
 * a draw of 7 it must be the seventh allocation of each class, not the sixth or the eighth. */
#include "alloc/hook.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "alloc/malloc.h"
#include "base/bits.h"
#include "base/rand.h"
#include "tests/support/unit.h"

enum {
    SHARDS = 64,
    SHARD_ENTRIES = 4096,
    THREADS = 8,
    BOXES = 512,
    LARGE_FROM = 32768,
    LARGE_GAP = 40960 + 49152 + 57344
};

/* ---- the table ---- */

struct entry {
    void *object; /* NULL: empty */
    size_t requested, slot_size;
};

static struct shard {
    pthread_mutex_t lock;
    struct entry entries[SHARD_ENTRIES]; /* linear probing; holes are closed at once */
} shards[SHARDS];

static _Atomic uint64_t recorded, freed, mistakes, nested_live;

static struct shard *shard_of(const void *object) { return &shards[hash64((uintptr_t)object) % SHARDS]; }
static size_t home_of(const void *object) { return hash64((uintptr_t)object) / SHARDS % SHARD_ENTRIES; }

/* The object's entry, or the empty one where it would go. */
static struct entry *probe(struct shard *shard, const void *object) {
    size_t i = home_of(object);
    while (shard->entries[i].object && shard->entries[i].object != object)
        i = (i + 1) % SHARD_ENTRIES;
    return &shard->entries[i];
}

static void close_hole(struct shard *shard, size_t hole) {
    for (size_t i = (hole + 1) % SHARD_ENTRIES; shard->entries[i].object; i = (i + 1) % SHARD_ENTRIES) {
        size_t home = home_of(shard->entries[i].object);
        if ((i - home) % SHARD_ENTRIES >= (i - hole) % SHARD_ENTRIES) {
            shard->entries[hole] = shard->entries[i];
            hole = i;
        }
    }
    shard->entries[hole].object = NULL;
}

static bool is_recorded(const void *object, size_t *requested) {
    struct shard *shard = shard_of(object);
    pthread_mutex_lock(&shard->lock);
    struct entry *entry = probe(shard, object);
    bool found = entry->object != NULL;
    *requested = entry->requested;
    pthread_mutex_unlock(&shard->lock);
    return found;
}

/* ---- the hook ---- */

enum mode { MODE_NEVER, MODE_EVERY, MODE_SEVENTH, MODE_RANDOM, MODE_NESTED, MODE_LARGE_BYTES };
static _Atomic int mode;
static _Atomic uint64_t large_draws;
static _Thread_local struct rand_state own_rand;
static _Thread_local int hook_depth;

static uint64_t own_random(uint64_t n) {
    if (!own_rand.s[0])
        rand_seed(&own_rand, (uintptr_t)&own_rand);
    return rand_below(&own_rand, n);
}

static uint64_t draw(size_t slot_size, uint64_t *rate) {
    int now = mode;
    *rate = 1000 + (uint64_t)now;
    switch (now) {
    case MODE_EVERY:
    case MODE_NESTED:
        return 1;
    case MODE_SEVENTH:
        return 7;
    case MODE_RANDOM:
        return 1 + own_random(5);
    case MODE_LARGE_BYTES:
        large_draws += slot_size == 1;
        return slot_size == 1 ? LARGE_GAP : HEAP_HOOK_NEVER;
    default:
        return HEAP_HOOK_NEVER;
    }
}

/* What a library does that the hook calls: allocates, resizes and frees. */
static void allocate_in_hook(void) {
    hook_depth++;
    void *objects[20];
    for (size_t i = 0; i < 20; i++)
        objects[i] = heap_malloc(i * 40);
    for (size_t i = 0, requested; i < 20; i++) {
        nested_live += is_recorded(objects[i], &requested);
        heap_free(heap_realloc(objects[i], i * 60 + 1));
    }
    hook_depth--;
}

static bool sampled(void *object, size_t requested, size_t slot_size, uint64_t rate) {
    if (mode == MODE_RANDOM && own_random(4) == 0)
        return false;
    if (hook_depth || rate < 1000 || requested > slot_size)
        mistakes++;
    struct shard *shard = shard_of(object);
    pthread_mutex_lock(&shard->lock);
    struct entry *entry = probe(shard, object);
    mistakes += entry->object != NULL;
    *entry = (struct entry){object, requested, slot_size};
    pthread_mutex_unlock(&shard->lock);
    recorded++;
    if (mode == MODE_NESTED)
        allocate_in_hook();
    return true;
}

static void forget(void *object, size_t slot_size) {
    struct shard *shard = shard_of(object);
    pthread_mutex_lock(&shard->lock);
    struct entry *entry = probe(shard, object);
    if (!entry->object || entry->slot_size != slot_size)
        mistakes++;
    if (entry->object)
        close_hole(shard, (size_t)(entry - shard->entries));
    pthread_mutex_unlock(&shard->lock);
    freed++;
    if (mode == MODE_NESTED)
        allocate_in_hook();
}

static const struct heap_hook hook = {draw, sampled, forget};

static void switch_mode(enum mode to) {
    mode = (int)to;
    heap_hook_redraw();
}

static void assert_books_closed(void) {
    assert_int_equal(mistakes, 0);
    assert_int_equal(nested_live, 0);
    assert_int_equal(recorded, freed);
    for (int i = 0; i < SHARDS; i++)
        for (int k = 0; k < SHARD_ENTRIES; k++)
            assert_null(shards[i].entries[k].object);
}

static int set_up(void **state) {
    (void)state;
    for (int i = 0; i < SHARDS; i++)
        pthread_mutex_init(&shards[i].lock, NULL);
    heap_hook_install(&hook);
    return 0;
}

/* ---- one thread ---- */

static void test_never(void **state) {
    (void)state;
    uint64_t before = recorded;
    switch_mode(MODE_NEVER);
    for (size_t i = 0; i < 100000; i++)
        heap_free(heap_malloc(i));
    assert_true(recorded == before);
    assert_books_closed();
}

/* Every seventh of each class from the change of mode on, whatever the classes between do. */
static void test_ordinals(void **state) {
    (void)state;
    static size_t counts[LARGE_FROM + 1]; /* by slot size */
    static void *objects[30000];
    struct rand_state rand;
    rand_seed(&rand, 8);
    switch_mode(MODE_SEVENTH);
    for (int i = 0; i < 30000; i++) {
        size_t requested, size = rand_below(&rand, rand_below(&rand, 3) ? 300 : 5000);
        objects[i] = rand_below(&rand, 2) ? heap_malloc(size) : heap_calloc(size, 1);
        size_t count = ++counts[heap_usable_size(objects[i])];
        if (is_recorded(objects[i], &requested) != (count % 7 == 0))
            fail_msg("allocation %zu of slots of %zu bytes", count, heap_usable_size(objects[i]));
        assert_true(count % 7 || requested == size);
    }
    for (int i = 0; i < 30000; i++)
        heap_free(objects[i]);
    assert_books_closed();
}

/* A large object is sampled when with it the bytes since the last sample reach the gap, and draws the next one then. */
static void test_large_objects_share_a_gap(void **state) {
    (void)state;
    void *objects[60];
    uint64_t bytes = 0, draws = 1, samples = 0;
    switch_mode(MODE_LARGE_BYTES);
    large_draws = 0;
    for (size_t i = 0, requested; i < 60; i++) {
        objects[i] = heap_malloc(LARGE_FROM + 1 + i * 10000);
        heap_free(heap_malloc(LARGE_FROM)); /* no large object */
        bytes += heap_usable_size(objects[i]);
        bool due = bytes >= LARGE_GAP;
        assert_true(is_recorded(objects[i], &requested) == due);
        bytes = due ? 0 : bytes;
        samples += due;
        assert_int_equal(large_draws, draws + samples);
    }
    assert_in_range(samples, 5, 58);
    for (int i = 0; i < 60; i++)
        heap_free(objects[i]);
    assert_books_closed();
}

/* With everything sampled the table is the heap, and says what was asked for last. */
static void test_realloc_keeps_the_books(void **state) {
    (void)state;
    struct rand_state rand;
    rand_seed(&rand, 9);
    switch_mode(MODE_EVERY);
    for (int i = 0; i < 3000; i++) {
        void *p = heap_malloc(rand_below(&rand, 100));
        for (int k = 0; k < 10; k++) {
            size_t requested = 0, size = 1 + rand_below(&rand, rand_below(&rand, 4) ? 200 : 200000);
            p = heap_realloc(p, size);
            assert_true(is_recorded(p, &requested));
            assert_int_equal(requested, size);
        }
        size_t requested;
        heap_free(p);
        assert_false(is_recorded(p, &requested));
    }
    void *aligned = heap_memalign(4096, 100), *huge = heap_memalign(1 << 20, 100000);
    size_t requested;
    assert_true(is_recorded(aligned, &requested) && requested == 100);
    assert_true(is_recorded(huge, &requested) && requested == 100000);
    heap_free(aligned);
    heap_free(huge);
    assert_books_closed();
}

static void test_hook_that_allocates(void **state) {
    (void)state;
    switch_mode(MODE_NESTED);
    uint64_t before = recorded;
    void *objects[500];
    for (size_t i = 0; i < 500; i++)
        objects[i] = heap_malloc(i * 100);
    for (size_t i = 0; i < 500; i++)
        heap_free(objects[i]);
    /* Those that fell due inside of the hook are drawn anew, not moved to the allocation that follows. */
    assert_in_range(recorded - before, 1, 500);
    switch_mode(MODE_NEVER);
    assert_books_closed();
}

/* ---- many threads ---- */

static _Atomic(void *) boxes[BOXES];
static _Atomic int objects_missed;

static void exchange(struct rand_state *rand, bool all_sampled) {
    size_t size = rand_below(rand, rand_below(rand, 20) ? 300 : 50000), requested;
    void *p = rand_below(rand, 2) ? heap_malloc(size) : heap_memalign((size_t)8 << rand_below(rand, 8), size);
    if (rand_below(rand, 4) == 0)
        p = heap_realloc(p, size = size + 1 + rand_below(rand, 30));
    if (all_sampled)
        objects_missed += !is_recorded(p, &requested) || requested != size;
    p = atomic_exchange(&boxes[rand_below(rand, BOXES)], p);
    if (p && rand_below(rand, 4) == 0)
        p = heap_realloc(p, 1 + rand_below(rand, 400));
    if (p && all_sampled)
        objects_missed += !is_recorded(p, &requested);
    heap_free(p);
}

static void *exchange_for_a_while(void *seed) {
    struct rand_state rand;
    rand_seed(&rand, (uintptr_t)seed);
    for (int i = 0; i < 4000; i++)
        exchange(&rand, mode == MODE_EVERY);
    return NULL;
}

/* Threads come and go, so most objects are freed by another thread than allocated them, and many after that
 * one has ended. */
static void run_generations(int generations, void (*meanwhile)(void)) {
    for (int g = 0; g < generations; g++) {
        pthread_t threads[THREADS];
        for (int i = 0; i < THREADS; i++)
            assert_int_equal(
                pthread_create(&threads[i], NULL, exchange_for_a_while, (void *)(uintptr_t)(g * THREADS + i + 1)), 0);
        meanwhile();
        for (int i = 0; i < THREADS; i++)
            pthread_join(threads[i], NULL);
    }
    for (int i = 0; i < BOXES; i++)
        heap_free(atomic_exchange(&boxes[i], NULL));
}

static void wait_only(void) {}

static void redraw_often(void) {
    for (int i = 0; i < 2000; i++)
        heap_hook_redraw();
}

static void test_every_object_across_threads(void **state) {
    (void)state;
    switch_mode(MODE_EVERY);
    run_generations(10, wait_only);
    assert_int_equal(objects_missed, 0);
    assert_books_closed();
}

static void test_random_subsets_across_threads(void **state) {
    (void)state;
    uint64_t before = recorded;
    switch_mode(MODE_RANDOM);
    run_generations(10, redraw_often);
    assert_true(recorded > before + 1000);
    assert_books_closed();
}

/* The test can fail: an object that is taken out of the books behind the allocator's back is missed at its
 * free. */
static void test_seeded_fault(void **state) {
    (void)state;
    switch_mode(MODE_EVERY);
    void *p = heap_malloc(100);
    struct shard *shard = shard_of(p);
    close_hole(shard, (size_t)(probe(shard, p) - shard->entries));
    assert_int_equal(mistakes, 0);
    heap_free(p);
    assert_int_equal(mistakes, 1);
    mistakes = 0;
    assert_books_closed();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_never),
        cmocka_unit_test(test_ordinals),
        cmocka_unit_test(test_large_objects_share_a_gap),
        cmocka_unit_test(test_realloc_keeps_the_books),
        cmocka_unit_test(test_hook_that_allocates),
        cmocka_unit_test(test_every_object_across_threads),
        cmocka_unit_test(test_random_subsets_across_threads),
        cmocka_unit_test(test_seeded_fault),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
