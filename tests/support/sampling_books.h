/* What a profile would say of a run, and what was true of it, kept apart, for the statistics of sampling.
 *
 * The books are a hook of the allocator (alloc/hook.h) that draws with the real sampler and notes every sample with the
 * site that the thread was at, as a profiler notes its stack. From the notes comes the estimate in the four views of a
 * profile, each with an estimate of its variance. The truth comes from the items: every allocation that a load
 * made, and whether it is still alive. Its variance is the formula of docs/sampling.md, by libm.
 *
 * A fault can be planted: a mistake that a sampler or profiler could make, put between the allocator and the books. */
#ifndef TESTS_SUPPORT_SAMPLING_BOOKS_H
#define TESTS_SUPPORT_SAMPLING_BOOKS_H

#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "alloc/hook.h"
#include "alloc/malloc.h"
#include "base/bits.h"
#include "base/rand.h"
#include "profiler/sampler.h"
#include "tests/support/unit.h"

enum { SITES = 6, SAMPLES_MOST = 1 << 16, CHAINS = 1 << 14, NESTED = 16 };

enum view { ALLOC_OBJECTS, ALLOC_SPACE, INUSE_OBJECTS, INUSE_SPACE, VIEWS };

enum fault {
    FAULT_NONE,
    FAULT_ONE_LATE,      /* the geometric draw is one object too long */
    FAULT_PERIODIC,      /* every n-th object, with the right n, instead of at random */
    FAULT_LINEAR_WEIGHT, /* a sample stands for the rate in bytes, or its size where that is more */
    FAULT_MEAN_SIZE,     /* one weight for a site, by the mean size of its samples */
    FAULT_ASKED_SIZE,    /* the weight of the size that was asked for instead of the slot's */
    FAULT_NEW_RATE,      /* every sample weighs as if drawn at the rate of the moment of writing */
    FAULT_FREE_NEW_RATE, /* a free takes away what a sample drawn at the rate of the free would weigh */
    FAULT_RESIZED_SIZE,  /* a resized object is noted with the size that it had before */
    FAULT_RESIZED_LIVES, /* what was resized is not noted as freed */
    FAULT_REMOTE_LIVES,  /* an object that another thread frees is not noted as freed */
    FAULT_CARRIED_OVER,  /* a sample that falls due in the hook is moved to the next allocation outside of it */
    FAULTS
};

/* ---- what is estimated, and what is true ---- */

/* One site in the four views. `spread` is of the truth alone: the variance of the variance's estimate. */
struct figure {
    double value[VIEWS], variance[VIEWS], spread[VIEWS];
};

static inline void figure_add(struct figure *figure, bool is_live, double size, struct figure one) {
    for (int view = 0; view < (is_live ? VIEWS : INUSE_OBJECTS); view++) {
        double k = view == ALLOC_SPACE || view == INUSE_SPACE ? size : 1;
        figure->value[view] += one.value[0] * k;
        figure->variance[view] += one.variance[0] * k * k;
        figure->spread[view] += one.spread[0] * k * k * k * k;
    }
}

/* An allocation that a load made, of which it knows everything. */
struct item {
    void *p; /* NULL: freed */
    size_t slot;
    uint64_t rate;
    int site;
};

static inline void truth_add(struct figure sites[SITES], const struct item *item) {
    double missed = item->rate > 1 ? exp(-(double)item->slot / (double)item->rate) : 0, p = 1 - missed;
    if (item->rate == 0)
        return; /* nothing is recorded, so nothing of it is to be estimated */
    struct figure one = {{1}, {missed / p}, {missed / (p * p * p)}};
    figure_add(&sites[item->site], item->p != NULL, (double)item->slot, one);
}

/* ---- the notes ---- */

struct sample {
    const void *object;
    size_t asked, slot;
    uint64_t rate, rate_at_free;
    int site;
    bool is_live;
    pthread_t thread;
    uint32_t next; /* of the chain; 0 = end */
};

static struct books {
    pthread_mutex_t lock;
    bool is_open;
    enum fault fault;
    uint32_t count;
    uint32_t chains[CHAINS];
    struct sample samples[SAMPLES_MOST]; /* from 1 */
} books = {.lock = PTHREAD_MUTEX_INITIALIZER};

static _Thread_local int books_site;
static _Thread_local size_t books_resized_from; /* the slot of the object that is being resized; 0 = none is */
static _Thread_local int books_depth;
static _Thread_local bool books_nest; /* the hook allocates, as a library that it calls might do */

static inline uint32_t *books_chain(const void *object) { return &books.chains[hash64((uintptr_t)object) % CHAINS]; }

static inline void books_allocate(size_t size) {
    void *objects[NESTED];
    books_depth++;
    for (int i = 0; i < NESTED; i++)
        objects[i] = heap_malloc(size);
    for (int i = 0; i < NESTED; i++)
        heap_free(objects[i]);
    books_depth--;
}

static inline uint64_t books_draw(size_t slot_size, uint64_t *rate) {
    uint64_t count = sampler_draw(slot_size, rate);
    if (*rate <= 1)
        return count + (*rate == 1 && books.fault == FAULT_ONE_LATE);
    switch (books.fault) {
    case FAULT_ONE_LATE:
        return count + 1;
    case FAULT_PERIODIC:
        return (uint64_t)(sampler_weight(slot_size, *rate) + 0.5);
    case FAULT_CARRIED_OVER:
        return books_depth ? 1 : count;
    default:
        return count;
    }
}

static inline bool books_sampled(void *object, size_t requested, size_t slot_size, uint64_t rate) {
    bool resized = books.fault == FAULT_RESIZED_SIZE && books_resized_from;
    pthread_mutex_lock(&books.lock);
    uint32_t id = books.is_open && books.count < SAMPLES_MOST - 1 ? ++books.count : 0;
    if (id) {
        uint32_t *chain = books_chain(object);
        books.samples[id] = (struct sample){.object = object,
                                            .asked = requested,
                                            .slot = resized ? books_resized_from : slot_size,
                                            .rate = rate,
                                            .site = books_site,
                                            .is_live = true,
                                            .thread = pthread_self(),
                                            .next = *chain};
        *chain = id;
    }
    pthread_mutex_unlock(&books.lock);
    if (books_nest)
        books_allocate(requested);
    return id != 0;
}

static inline bool books_forgets(const struct sample *sample) {
    if (books.fault == FAULT_RESIZED_LIVES && books_resized_from)
        return true;
    return books.fault == FAULT_REMOTE_LIVES && !pthread_equal(sample->thread, pthread_self());
}

static inline void books_freed(void *object, size_t slot_size) {
    pthread_mutex_lock(&books.lock);
    uint32_t *link = books_chain(object);
    while (*link && books.samples[*link].object != object)
        link = &books.samples[*link].next;
    struct sample *sample = *link ? &books.samples[*link] : NULL;
    if (books.is_open && sample) {
        *link = sample->next;
        sample->is_live = books_forgets(sample);
        sample->rate_at_free = sampler_rate();
    }
    pthread_mutex_unlock(&books.lock);
    if (books_nest)
        books_allocate(slot_size);
}

/* Begins the notes of a run that is sampled by the stream of this seed alone. */
static inline void books_open(uint64_t seed, uint64_t rate, enum fault fault) {
    static uint64_t opened;
    memset(books.chains, 0, sizeof books.chains);
    books.count = 0;
    books.fault = fault;
    books.is_open = true;
    sampler_seed(hash64(seed) - ++opened); /* a stream goes by the seed and the number of forks, in sum */
    sampler_fork_child();                  /* every thread's next draw seeds its generator anew */
    sampler_set_rate(rate);
    heap_hook_redraw();
}

static inline void books_set_rate(uint64_t rate) {
    sampler_set_rate(rate);
    heap_hook_redraw();
}

/* What was alive at the end of the run may be freed after this without a trace. */
static inline void books_close(void) {
    assert_true(books.count < SAMPLES_MOST - 1);
    books.is_open = false;
    books_set_rate(0);
}

/* ---- the estimate ---- */

/* The size by which a sample is weighed. */
static inline double books_size(const struct sample *sample, const double mean_sizes[SITES]) {
    if (books.fault == FAULT_MEAN_SIZE)
        return mean_sizes[sample->site];
    return (double)(books.fault == FAULT_ASKED_SIZE ? sample->asked : sample->slot);
}

static inline double books_weight(const struct sample *sample, double size, uint64_t rate) {
    if (books.fault == FAULT_NEW_RATE)
        rate = sampler_rate();
    if (books.fault == FAULT_LINEAR_WEIGHT)
        return size < (double)rate ? (double)rate / size : 1;
    if (books.fault == FAULT_MEAN_SIZE && rate > 1)
        return 1 / -expm1(-size / (double)rate);
    return sampler_weight(books.fault == FAULT_ASKED_SIZE ? sample->asked : sample->slot, rate);
}

static inline void books_mean_sizes(double sizes[SITES]) {
    double counts[SITES] = {0}, bytes[SITES] = {0};
    for (uint32_t id = 1; id <= books.count; id++) {
        counts[books.samples[id].site]++;
        bytes[books.samples[id].site] += (double)books.samples[id].slot;
    }
    for (int site = 0; site < SITES; site++)
        sizes[site] = counts[site] > 0 ? bytes[site] / counts[site] : 1;
}

/* Before books_close, at the rate at which the profile is written. */
static inline void books_estimate(struct figure sites[SITES]) {
    double mean_sizes[SITES];
    books_mean_sizes(mean_sizes);
    memset(sites, 0, SITES * sizeof *sites);
    for (uint32_t id = 1; id <= books.count; id++) {
        const struct sample *sample = &books.samples[id];
        double size = books_size(sample, mean_sizes), w = books_weight(sample, size, sample->rate);
        struct figure one = {{w}, {w * (w - 1)}, {0}}; /* (1 - p) / p^2 with w = 1 / p */
        figure_add(&sites[sample->site], sample->is_live, size, one);
        if (books.fault == FAULT_FREE_NEW_RATE && !sample->is_live) {
            double left = w - books_weight(sample, size, sample->rate_at_free);
            sites[sample->site].value[INUSE_OBJECTS] += left;
            sites[sample->site].value[INUSE_SPACE] += left * size;
        }
    }
}

static const struct heap_hook books_hook = {books_draw, books_sampled, books_freed};

#endif
