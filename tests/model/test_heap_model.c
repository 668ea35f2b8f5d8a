/* Random programs of allocations against a plain array that knows what each object must hold.
 *
 * The oracle is an array of (pointer, requested size, pattern). Every object is filled over its whole usable
 * size with words that depend on pattern and position, so objects that overlap, a copy that is short, or
 * metadata written into an object show as a wrong word when it is freed, resized, or looked over.
 *
 *   1. draw a slot; if it is empty allocate by one of four calls, else resize, free, or look it over
 *   2. every few thousand operations sort the live objects by address and see that none overlap, and that the
 *      allocator's own count of objects is the oracle's
 *   3. at the end check and free all; the count of objects is what it was before
 *
 * A model that cannot fail proves nothing: the last tests plant one fault each, in the oracle or in the heap,
 * and demand that the run is stopped. HEAPTAP_MODEL_SEED and HEAPTAP_MODEL_OPERATIONS replay one program. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc/malloc.h"
#include "alloc/memstats.h"
#include "base/bits.h"
#include "base/rand.h"
#include "tests/support/unit.h"

enum { SLOTS = 2048, LOOK_EVERY = 5000, SPARSE_FROM = 64 * 1024, WORDS_A_PAGE = 512, SENTINEL = 9999 };

enum fault {
    FAULT_NONE,
    FAULT_ORACLE_PATTERN, /* the oracle expects other contents */
    FAULT_ORACLE_SIZE,    /* the oracle takes an object for larger than it is */
    FAULT_HEAP_BIT,       /* one bit of an object flips */
    FAULT_HEAP_TWICE,     /* one object is handed out for two slots */
    FAULT_HEAP_LOST,      /* an object is never freed */
    FAULT_COUNT
};

struct object {
    unsigned char *p; /* NULL: the slot is empty */
    size_t requested;
    size_t usable;
    uint64_t pattern;
    bool aligned; /* asked for by alignment: not for heap_free_sized */
};

struct model {
    struct object slots[SLOTS];
    struct rand_state rand;
    enum fault fault;
    uint64_t fault_at; /* operation */
    uint64_t seed, operation;
    size_t live;
    bool alone; /* no other thread allocates: the allocator's counts can be compared */
    uint64_t objects_before;
    char error[200];
};

#define STOP(model, ...) (snprintf((model)->error, sizeof(model)->error, __VA_ARGS__), false)

/* ---- contents ---- */

static uint64_t word_at(uint64_t pattern, size_t i) { return pattern ^ (i * 0x9e3779b97f4a7c15ull); }

/* Large objects are written in their first and last page, and one word in each other page. */
static bool is_written(size_t i, size_t words) {
    return words * 8 <= SPARSE_FROM || i < WORDS_A_PAGE || i >= words - WORDS_A_PAGE || i % WORDS_A_PAGE == 0;
}

static size_t next_word(size_t i, size_t words) {
    if (is_written(i + 1, words))
        return i + 1;
    size_t next = (i / WORDS_A_PAGE + 1) * WORDS_A_PAGE;
    return next < words - WORDS_A_PAGE ? next : words - WORDS_A_PAGE;
}

static void fill(const struct object *object) {
    size_t words = object->usable / 8;
    for (size_t i = 0; i < words; i = next_word(i, words)) {
        uint64_t word = word_at(object->pattern, i);
        memcpy(object->p + i * 8, &word, 8);
    }
    memset(object->p + words * 8, (int)(object->pattern & 255), object->usable % 8);
}

/* The first wrong offset under `limit`, or SIZE_MAX. */
static size_t find_wrong(const struct object *object, const unsigned char *p, size_t limit) {
    size_t words = object->usable / 8, last = limit / 8;
    for (size_t i = 0; i < words && i < last; i = next_word(i, words)) {
        uint64_t word;
        memcpy(&word, p + i * 8, 8);
        if (word != word_at(object->pattern, i))
            return i * 8;
    }
    /* The bytes of a word that the limit cuts, or of the object's end. */
    uint64_t rest = last < words ? word_at(object->pattern, last) : (object->pattern & 255) * 0x0101010101010101ull;
    bool is_known = last >= words || is_written(last, words);
    return is_known && memcmp(p + last * 8, &rest, limit % 8) != 0 ? last * 8 : SIZE_MAX;
}

static bool check_object(struct model *model, const struct object *object) {
    size_t wrong = find_wrong(object, object->p, object->usable);
    if (wrong != SIZE_MAX)
        return STOP(model, "object %p of %zu bytes is changed at %zu", (void *)object->p, object->requested, wrong);
    if (heap_usable_size(object->p) != object->usable)
        return STOP(model, "usable size of %p changed from %zu", (void *)object->p, object->usable);
    return true;
}

/* ---- operations ---- */

static size_t draw_size(struct rand_state *rand) {
    static const size_t edges[] = {0, 8, 16, 1024, 8192, 32768, 65536, 1 << 20};
    uint64_t kind = rand_below(rand, 1000);
    if (kind < 700)
        return rand_below(rand, 257);
    if (kind < 900)
        return rand_below(rand, 4097);
    if (kind < 985)
        return rand_below(rand, 40000);
    if (kind < 997)
        return edges[rand_below(rand, 8)] + rand_below(rand, 3);
    return rand_below(rand, 4 << 20);
}

static bool adopt(struct model *model, struct object *object, unsigned char *p, size_t size, size_t align) {
    size_t natural = size >= 16 ? 16 : 8;
    if (!p)
        return STOP(model, "no memory for %zu bytes", size);
    if ((uintptr_t)p % (align > natural ? align : natural))
        return STOP(model, "%p of %zu bytes is not aligned to %zu", (void *)p, size, align > natural ? align : natural);
    *object = (struct object){p, size, heap_usable_size(p), rand_next(&model->rand), align > 1};
    if (object->usable < size)
        return STOP(model, "usable size of %p is %zu of %zu", (void *)p, object->usable, size);
    fill(object);
    return true;
}

static bool allocate_zeroed(struct model *model, struct object *object, size_t size) {
    size_t count = rand_below(&model->rand, 4) ? 1 : 1 + rand_below(&model->rand, 8);
    unsigned char *p = heap_calloc(count, size / count);
    size = size / count * count;
    for (size_t i = 0; p && i < size; i++)
        if (p[i])
            return STOP(model, "calloc of %zu bytes is not zero at %zu", size, i);
    return adopt(model, object, p, size, 1);
}

static bool allocate(struct model *model, struct object *object) {
    size_t size = draw_size(&model->rand);
    size_t align = (size_t)2 << rand_below(&model->rand, rand_below(&model->rand, 50) ? 9 : 22);
    model->live++;
    switch (rand_below(&model->rand, 8)) {
    case 0:
        return adopt(model, object, heap_memalign(align, size), size, align);
    case 1:
    case 2:
        return allocate_zeroed(model, object, size);
    case 3:
        return adopt(model, object, heap_realloc(NULL, size), size, 1);
    default:
        return adopt(model, object, heap_malloc(size), size, 1);
    }
}

static bool release(struct model *model, struct object *object) {
    if (!check_object(model, object))
        return false;
    errno = SENTINEL;
    if (object->aligned || rand_below(&model->rand, 4))
        heap_free(object->p);
    else
        heap_free_sized(object->p, object->requested);
    if (errno != SENTINEL)
        return STOP(model, "free of %zu bytes set errno to %d", object->requested, errno);
    object->p = NULL;
    model->live--;
    return true;
}

static bool resize(struct model *model, struct object *object) {
    struct object old = *object;
    size_t size = rand_below(&model->rand, 3) ? draw_size(&model->rand) : old.requested + rand_below(&model->rand, 64);
    if (!check_object(model, object))
        return false;
    if (!size) {
        if (heap_realloc(old.p, 0))
            return STOP(model, "realloc to 0 returned an object");
        object->p = NULL;
        model->live--;
        return true;
    }
    unsigned char *p = heap_realloc(old.p, size);
    size_t wrong = p ? find_wrong(&old, p, size < old.requested ? size : old.requested) : SIZE_MAX;
    if (wrong != SIZE_MAX)
        return STOP(model, "realloc from %zu to %zu lost offset %zu", old.requested, size, wrong);
    return adopt(model, object, p, size, old.aligned && p == old.p ? 2 : 1);
}

/* Requests that cannot be met change nothing but errno. */
static bool ask_too_much(struct model *model, struct object *object) {
    size_t huge = SIZE_MAX - rand_below(&model->rand, SIZE_MAX / 2);
    errno = 0;
    void *p = object->p ? heap_realloc(object->p, huge) : heap_malloc(huge);
    if (p || errno != ENOMEM)
        return STOP(model, "%zu bytes: %p, errno %d", huge, p, errno);
    errno = 0;
    p = heap_calloc(huge, 2 + rand_below(&model->rand, 100));
    if (p || errno != ENOMEM)
        return STOP(model, "calloc that overflows: %p, errno %d", p, errno);
    return true;
}

/* ---- the whole ---- */

static int compare_address(const void *a, const void *b) {
    const struct object *x = a, *y = b;
    return x->p < y->p ? -1 : x->p > y->p;
}

static bool look_over(struct model *model) {
    struct object sorted[SLOTS];
    memcpy(sorted, model->slots, sizeof sorted);
    qsort(sorted, SLOTS, sizeof *sorted, compare_address);
    size_t live = 0;
    for (int i = 0; i < SLOTS; i++) {
        live += sorted[i].p != NULL;
        if (i && sorted[i].p && sorted[i - 1].p && sorted[i - 1].p + sorted[i - 1].usable > sorted[i].p)
            return STOP(model, "%p and %p overlap", (void *)sorted[i - 1].p, (void *)sorted[i].p);
    }
    struct heaptap_memstats stats;
    memstats_read(&stats);
    if (model->alone && stats.heap_objects - model->objects_before != live)
        return STOP(model, "%zu objects live, the allocator counts %llu", live,
                    (unsigned long long)(stats.heap_objects - model->objects_before));
    return true;
}

static void plant_fault(struct model *model) {
    struct object *first = NULL, *second = NULL;
    for (int i = 0; i < SLOTS; i++)
        if (model->slots[i].p && model->slots[i].usable)
            second = first, first = &model->slots[i];
    switch (first && second ? model->fault : FAULT_NONE) {
    case FAULT_ORACLE_PATTERN:
        first->pattern++;
        break;
    case FAULT_ORACLE_SIZE:
        first->usable += 8;
        break;
    case FAULT_HEAP_BIT:
        first->p[rand_below(&model->rand, 8)] ^= 4;
        break;
    case FAULT_HEAP_TWICE:
        second->p = first->p;
        break;
    case FAULT_HEAP_LOST:
        first->p = NULL;
        break;
    default:
        break;
    }
}

static bool step(struct model *model) {
    struct object *object = &model->slots[rand_below(&model->rand, SLOTS)];
    uint64_t kind = rand_below(&model->rand, 1000);
    if (kind == 0)
        return ask_too_much(model, object);
    if (!object->p)
        return allocate(model, object);
    if (kind < 300)
        return resize(model, object);
    if (kind < 400)
        return check_object(model, object);
    return release(model, object);
}

static bool run_steps(struct model *model, uint64_t operations) {
    for (model->operation = 0; model->operation < operations; model->operation++) {
        if (model->operation == model->fault_at && model->fault)
            plant_fault(model);
        if (!step(model) || (model->operation % LOOK_EVERY == 0 && !look_over(model)))
            return false;
    }
    for (int i = 0; i < SLOTS; i++)
        if (model->slots[i].p && !release(model, &model->slots[i]))
            return false;
    return look_over(model);
}

static uint64_t setting(const char *name, uint64_t otherwise) {
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 0) : otherwise;
}

static bool run_program(struct model *model, uint64_t seed, uint64_t operations, enum fault fault, bool alone) {
    struct heaptap_memstats stats;
    memset(model, 0, sizeof *model);
    rand_seed(&model->rand, seed);
    memstats_read(&stats);
    model->objects_before = stats.heap_objects;
    model->seed = seed;
    model->fault = fault;
    model->fault_at = operations / 2;
    model->alone = alone;
    return run_steps(model, operations);
}

static void explain(const struct model *model) {
    fprintf(stderr, "HEAPTAP_MODEL_SEED=%llu, operation %llu: %s\n", (unsigned long long)model->seed,
            (unsigned long long)model->operation, model->error);
}

static void test_programs(void **state) {
    (void)state;
    static struct model model;
    uint64_t seed = setting("HEAPTAP_MODEL_SEED", 0), operations = setting("HEAPTAP_MODEL_OPERATIONS", 400000);
    for (uint64_t i = seed ? seed : 1; i <= (seed ? seed : 5); i++)
        if (!run_program(&model, i, operations, FAULT_NONE, true)) {
            explain(&model);
            fail();
        }
}

static void test_faults_are_found(void **state) {
    (void)state;
    static struct model model;
    for (enum fault fault = FAULT_NONE + 1; fault < FAULT_COUNT; fault++)
        for (uint64_t seed = 1; seed <= 3; seed++)
            if (run_program(&model, seed, 20000, fault, true))
                fail_msg("fault %d is not found with seed %llu", fault, (unsigned long long)seed);
}

static void *run_beside(void *model) {
    struct model *own = model;
    return run_program(own, own->seed, 100000, FAULT_NONE, false) ? NULL : own;
}

/* Each thread runs its own program; nothing of one may show in another. */
static void test_programs_side_by_side(void **state) {
    (void)state;
    enum { THREADS = 6 };
    static struct model models[THREADS];
    pthread_t threads[THREADS];
    int failures = 0;
    for (int i = 0; i < THREADS; i++) {
        models[i].seed = 100 + (uint64_t)i;
        assert_int_equal(pthread_create(&threads[i], NULL, run_beside, &models[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        if (failed) {
            explain(failed);
            failures++;
        }
    }
    assert_int_equal(failures, 0);
}

/* ---- memory comes back ---- */

enum { HOARD = 200000, HOARD_BYTES = 64 };

static struct {
    void *objects[HOARD];
    pthread_barrier_t barrier;
} hoard;

/* Allocates, waits while main frees all of it, and ends without another call of the allocator. */
static void *hoard_and_end(void *unused) {
    for (int i = 0; i < HOARD; i++)
        hoard.objects[i] = heap_malloc(HOARD_BYTES);
    pthread_barrier_wait(&hoard.barrier);
    pthread_barrier_wait(&hoard.barrier);
    return unused;
}

static uint64_t inuse_bytes(void) {
    struct heaptap_memstats stats;
    memstats_read(&stats);
    return stats.heap_inuse;
}

/* What others freed of a thread's objects is given back when the thread ends, also when it never looked
 * again; and what they free after its end. */
static void test_memory_of_ended_threads_comes_back(void **state) {
    (void)state;
    for (int freed_before_end = 0; freed_before_end < 2; freed_before_end++) {
        uint64_t before = inuse_bytes();
        pthread_t thread;
        pthread_barrier_init(&hoard.barrier, NULL, 2);
        assert_int_equal(pthread_create(&thread, NULL, hoard_and_end, NULL), 0);
        pthread_barrier_wait(&hoard.barrier);
        assert_true(inuse_bytes() >= before + (uint64_t)HOARD * HOARD_BYTES);
        for (int i = 0; i < HOARD && freed_before_end; i++)
            heap_free(hoard.objects[i]);
        pthread_barrier_wait(&hoard.barrier);
        pthread_join(thread, NULL);
        for (int i = 0; i < HOARD && !freed_before_end; i++)
            heap_free(hoard.objects[i]);
        assert_true(inuse_bytes() < before + (uint64_t)HOARD * HOARD_BYTES / 8);
        pthread_barrier_destroy(&hoard.barrier);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_programs),
        cmocka_unit_test(test_faults_are_found),
        cmocka_unit_test(test_programs_side_by_side),
        cmocka_unit_test(test_memory_of_ended_threads_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
