/* Loads for the statistics of sampling: each allocates, resizes and frees the same in every run, on sites of
 * its own, in sizes that go with the rate. What it did is in its items. */
#ifndef TESTS_SUPPORT_SAMPLING_LOADS_H
#define TESTS_SUPPORT_SAMPLING_LOADS_H

#include <semaphore.h>
#include <stdatomic.h>

#include "tests/support/sampling_books.h"

enum { ITEMS_MOST = 32768, PRODUCERS = 2, PRODUCED = 1500 };

static struct item items[ITEMS_MOST];
static size_t item_count;

struct load {
    const char *name;
    void (*run)(uint64_t rate);
};

/* The size on which a load's sizes are based. */
static inline size_t base_size(uint64_t rate) { return rate > 1024 ? (size_t)rate : 1024; }

static inline void fill_item(struct item *item, int site, void *p) {
    assert_non_null(p);
    *item = (struct item){p, heap_usable_size(p), sampler_rate(), site};
}

static inline struct item *next_item(void) {
    assert_true(item_count < ITEMS_MOST);
    return &items[item_count++];
}

static inline struct item *make(int site, size_t size) {
    struct item *item = next_item();
    books_site = site;
    fill_item(item, site, heap_malloc(size));
    return item;
}

/* The old item ends, and a new one begins, whether the object moves or not. */
static inline struct item *resize(struct item *old, int site, size_t size) {
    struct item *item = next_item();
    books_site = site;
    books_resized_from = old->slot;
    fill_item(item, site, heap_realloc(old->p, size));
    books_resized_from = 0;
    old->p = NULL;
    return item;
}

static inline void end(struct item *item) {
    heap_free(item->p);
    item->p = NULL;
}

static inline void load_one_size(uint64_t rate) {
    for (int i = 0; i < 4000; i++) {
        struct item *item = make(0, base_size(rate) / 32);
        if (i % 2)
            end(item);
        if (i % 4 == 0)
            make(1, base_size(rate) / 8);
        if (i % 12 == 0)
            end(&items[item_count - 1]);
    }
}

/* Two sites with the same sizes in different parts, in random order. */
static inline void load_mixed_sizes(uint64_t rate) {
    static const struct {
        int times, over, parts[2]; /* base * times / over; objects of a hundred */
    } mix[] = {{1, 64, {80, 30}}, {1, 8, {14, 30}}, {1, 2, {4, 20}}, {2, 1, {2, 20}}};
    struct rand_state rand;
    rand_seed(&rand, 1);
    for (int i = 0; i < 6000; i++) {
        int site = i % 6 == 0, part = (int)rand_below(&rand, 100), m = 0;
        while (part >= mix[m].parts[site])
            part -= mix[m++].parts[site];
        struct item *item = make(site, base_size(rate) * (size_t)mix[m].times / (size_t)mix[m].over);
        if (rand_below(&rand, 2))
            end(item);
    }
}

static inline void load_around_the_rate(uint64_t rate) {
    size_t sizes[SITES] = {rate / 2, rate - 1, rate, rate + 1, rate * 2, rate * 4};
    for (int i = 0; i < 400 * SITES; i++) {
        struct item *item = make(i % SITES, sizes[i % SITES]);
        if (i / SITES % 2)
            end(item);
    }
}

/* Objects live on across changes of the rate; what is made while it is 0 is in no profile. */
static inline void load_rate_changes(uint64_t rate) {
    uint64_t wide = rate > 1 ? rate * 4 : 4096, rates[] = {rate, wide, 1, 0, rate / 4 ? rate / 4 : 256, rate};
    size_t base = base_size(rate);
    for (int phase = 0; phase < 6; phase++) {
        books_set_rate(rates[phase]);
        for (int i = 0; i < 600; i++)
            make(i % 5 == 0, i % 5 == 0 ? base / 2 : base / 16);
        for (size_t i = (size_t)phase; i < item_count; i += 4)
            end(&items[i]);
    }
}

/* Chains that stay in place (site 0), grow (1) and shrink (2). */
static inline void load_realloc_chains(uint64_t rate) {
    size_t base = base_size(rate), small = base / 64;
    for (int i = 0; i < 250; i++) {
        struct item *item = make(1, small);
        item = resize(item, 0, small - 3);
        item = resize(item, 1, base / 16);
        item = resize(item, 0, base / 16 - 1);
        item = resize(item, 1, base / 16 * 5 / 4);
        item = resize(item, 2, base / 16 * 9 / 8);
        item = resize(item, 1, base / 8);
        item = resize(item, 2, base / 24);
        if (i % 2)
            end(item);
    }
}

/* ---- threads ---- */

static struct item produced[PRODUCERS][PRODUCED];
static _Atomic int published[PRODUCERS];

struct producer {
    int self;
    uint64_t rate;
    sem_t drew;  /* posted after the first draw: streams of random numbers go by the order of these */
    sem_t begin; /* posted when all have drawn; nobody may end before, and leave a draw to the next one */
};

static inline void produce(struct producer *producer, int i) {
    size_t base = base_size(producer->rate);
    books_site = producer->self;
    fill_item(&produced[producer->self][i], producer->self, heap_malloc(i % 2 ? base / 8 : base / 32));
    atomic_store(&published[producer->self], i + 1);
}

static inline void await(sem_t *semaphore) {
    while (sem_wait(semaphore) != 0)
        ;
}

/* Allocates, and frees every third of what the other one has made by now. */
static inline void *producer_main(void *argument) {
    struct producer *producer = argument;
    int other = 1 - producer->self, seen = 0;
    for (int i = 0; i < PRODUCED; i++) {
        produce(producer, i);
        if (i == 0) {
            sem_post(&producer->drew);
            await(&producer->begin);
        }
        for (int now = atomic_load(&published[other]); seen < now; seen++)
            if (seen % 3 == 1)
                heap_free(produced[other][seen].p);
    }
    return (void *)(intptr_t)seen;
}

/* What the other producer did not come to is freed here, after its thread has ended. */
static inline void end_produced(int self, int seen) {
    for (int i = 0; i < PRODUCED; i++) {
        struct item *item = next_item();
        *item = produced[self][i];
        if (i % 3 != 1)
            continue;
        if (i >= seen)
            heap_free(item->p);
        item->p = NULL;
    }
}

static inline void load_threads(uint64_t rate) {
    pthread_t threads[PRODUCERS];
    struct producer producers[PRODUCERS];
    int seen[PRODUCERS];
    for (int i = 0; i < PRODUCERS; i++)
        atomic_store(&published[i], 0);
    for (int i = 0; i < PRODUCERS; i++) {
        producers[i] = (struct producer){.self = i, .rate = rate};
        sem_init(&producers[i].drew, 0, 0);
        sem_init(&producers[i].begin, 0, 0);
        assert_int_equal(pthread_create(&threads[i], NULL, producer_main, &producers[i]), 0);
        await(&producers[i].drew);
    }
    for (int i = 0; i < PRODUCERS; i++)
        sem_post(&producers[i].begin);
    for (int i = 0; i < PRODUCERS; i++) {
        void *result;
        pthread_join(threads[i], &result);
        seen[1 - i] = (int)(intptr_t)result;
        sem_destroy(&producers[i].drew);
        sem_destroy(&producers[i].begin);
    }
    for (int i = 0; i < PRODUCERS; i++)
        end_produced(i, seen[i]);
}

/* Each thread ends before it has made as many objects as lie between two samples, and the next one takes over its
 * cache with the count that has run so far. A large object counts for its thread alone. */
static inline void *short_thread_main(void *argument) {
    size_t base = base_size(*(const uint64_t *)argument);
    for (int i = 0; i < 16; i++) {
        struct item *item = make(0, base / 32);
        if (i % 2)
            end(item);
    }
    for (int i = 0; i < 4; i++)
        make(1, base / 8);
    return NULL;
}

static inline void load_short_threads(uint64_t rate) {
    for (int i = 0; i < 60; i++) {
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, short_thread_main, &rate), 0);
        pthread_join(thread, NULL);
    }
}

/* At site 0 the hook allocates objects of the same size, of which some fall due; what follows is always site 1's. */
static inline void load_reentrant(uint64_t rate) {
    size_t size = base_size(rate) / 32;
    for (int i = 0; i < 2000; i++) {
        books_nest = true;
        struct item *item = make(0, size);
        if (i % 2)
            end(item);
        books_nest = false;
        item = make(1, size);
        if (i % 3)
            end(item);
    }
}

enum { ONE_SIZE, MIXED_SIZES, AROUND_THE_RATE, RATE_CHANGES, REALLOC_CHAINS, THREADS, SHORT_THREADS, REENTRANT, LOADS };

static const struct load loads[LOADS] = {
    [ONE_SIZE] = {"one_size", load_one_size},
    [MIXED_SIZES] = {"mixed_sizes", load_mixed_sizes},
    [AROUND_THE_RATE] = {"around_the_rate", load_around_the_rate},
    [RATE_CHANGES] = {"rate_changes", load_rate_changes},
    [REALLOC_CHAINS] = {"realloc_chains", load_realloc_chains},
    [THREADS] = {"threads", load_threads},
    [SHORT_THREADS] = {"short_threads", load_short_threads},
    [REENTRANT] = {"reentrant", load_reentrant},
};

#endif
