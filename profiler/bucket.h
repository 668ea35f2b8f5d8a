/* Counters by (stack, slot size, rate of the draw, labels): how many samples were allocated, how many of them freed.
 *
 * A thread that records much has buckets of its own (profiler/recorder.h), so that it counts without waiting for
 * others: it alone changes allocs, asked and frees of them, and others who free its samples count that elsewhere.
 * Buckets without an owner are changed by any thread. A row of a profile sums up over owners and rates.
 *
 * The weight of a sample depends only on its slot size and rate (profiler/sampler.h), so with both in the key the
 * counters are whole numbers, nothing is rounded while the program runs, and a free takes away exactly what its
 * allocation added. A snapshot multiplies, sums over the rates, and rounds last.
 *
 * The table also knows what it held at the high-water mark (profiler/peak.h). */
#ifndef HEAPTAP_PROFILER_BUCKET_H
#define HEAPTAP_PROFILER_BUCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/atomic.h"
#include "base/check.h"
#include "base/lock.h"
#include "profiler/id_index.h"
#include "profiler/peak.h"
#include "profiler/recorder.h"
#include "profiler/table_memory.h"
#include "proto/box.h"

/* One cache line. `kept` is twice the epoch of the high-water mark for which allocs and frees were last kept, or
 * one more while a thread is doing that. */
struct bucket {
    uint32_t stack;
    uint32_t labels;       /* id of a set (profiler/label_table.h), 0 = none */
    _Atomic uint32_t kept; /* any thread that changes the bucket */
    uint32_t owner;        /* a recorder's number; 0 = none */
    uint64_t slot_size;
    uint64_t rate;
    uint64_t weight;         /* bytes that one sample stands for, rounded; for the high-water mark */
    _Atomic uint64_t allocs; /* samples; the owner adds, or any thread */
    _Atomic uint64_t frees;  /* of these, by the owner or any thread; with those by others <= allocs at every moment */
    _Atomic uint64_t asked;  /* bytes that were requested of `allocs`; a sample more or less while they change */
};

struct bucket_table {
    struct lock lock;         /* of everything that grows */
    struct id_index index;    /* read without the lock */
    struct table_area items;  /* struct bucket, append-only */
    struct table_area others; /* for each bucket with an owner, what others freed; away from what the owner writes */
    _Atomic uint32_t count;   /* written under the lock (release), read by snapshots (acquire) */
    _Atomic bool rows_are_shared; /* two buckets have different owners or rates; under the lock, read by snapshots */
    struct peak peak;
};

#define BUCKET_TABLE_INIT                                                                                              \
    { .lock = LOCK_INIT(RANK_LIVE), .items.share = 4, .items.box = BOX_BUCKETS, .others.share = 32, .peak = PEAK_INIT }

struct bucket_key {
    uint64_t slot_size, rate;
    uint32_t stack, labels;
    uint32_t owner;
};

/* The id, > 0, of the bucket with this key; 0 when the table is full. May run inside malloc. */
uint32_t bucket_find(struct bucket_table *table, const struct bucket_key *key);

static inline struct bucket *bucket_at(const struct bucket_table *table, uint32_t id) {
    return (struct bucket *)(void *)table->items.base + (id - 1);
}

/* Whether the bucket with this id, from 1 to bucket_count, has this key. */
static inline bool bucket_is(const struct bucket_table *table, uint32_t id, const struct bucket_key *key) {
    const struct bucket *bucket = bucket_at(table, id);
    return bucket->stack == key->stack && bucket->slot_size == key->slot_size && bucket->rate == key->rate &&
           bucket->labels == key->labels && bucket->owner == key->owner;
}

/* Parts of what follows: of buckets that the thread does not own. Keeping is for `epoch`. */
void bucket_add_shared_alloc(struct bucket_table *table, uint32_t id, size_t requested);
void bucket_add_others_free(struct bucket_table *table, uint32_t id);
void bucket_keep(struct bucket_table *table, uint32_t id, uint32_t epoch);

/* Before the bucket changes. Nobody waits for the thread that keeps: the change of another meanwhile is one sample. */
static inline void bucket_keep_if_new(struct bucket_table *table, uint32_t id) {
    uint32_t epoch = atomic_load_acquire(&table->peak.epoch);
    if (UNLIKELY(atomic_load_relaxed(&bucket_at(table, id)->kept) / 2 != epoch))
        bucket_keep(table, id, epoch);
}

static inline bool bucket_is_owned(const struct bucket *bucket, const struct recorder *recorder) {
    return recorder && recorder->number == bucket->owner;
}

/* One more, by the owner; after all that it has written. A signal whose handler counts too loses nothing. */
static inline void bucket_step(_Atomic uint64_t *count) {
    atomic_fence_release();
    owner_step(count);
}

/* `requested`: bytes that the program asked for. `recorder`: the calling thread's, or NULL; a bucket that has an owner
 * belongs to it. Returns the bytes that the sample stands for. Allocations are counted last, after what was kept. */
static inline uint64_t bucket_add_alloc_by(struct bucket_table *table, uint32_t id, size_t requested,
                                           struct recorder *recorder) {
    struct bucket *bucket = bucket_at(table, id);
    bucket_keep_if_new(table, id);
    if (LIKELY(bucket_is_owned(bucket, recorder))) {
        atomic_bump_by_owner(&bucket->asked, requested);
        bucket_step(&bucket->allocs);
    } else {
        bucket_add_shared_alloc(table, id, requested);
    }
    peak_add(&table->peak, recorder, (int64_t)bucket->weight);
    return bucket->weight;
}

/* The recorder, if any, need not be the bucket's owner. Release, so that a reader that sees the free sees the
 * allocation before it. */
static inline void bucket_add_free_by(struct bucket_table *table, uint32_t id, struct recorder *recorder) {
    struct bucket *bucket = bucket_at(table, id);
    peak_before_free(&table->peak, recorder);
    bucket_keep_if_new(table, id);
    if (LIKELY(bucket_is_owned(bucket, recorder)))
        bucket_step(&bucket->frees);
    else
        bucket_add_others_free(table, id);
    peak_add(&table->peak, recorder, -(int64_t)bucket->weight);
}

static inline uint64_t bucket_add_alloc(struct bucket_table *table, uint32_t id, size_t requested) {
    return bucket_add_alloc_by(table, id, requested, NULL);
}

static inline void bucket_add_free(struct bucket_table *table, uint32_t id) { bucket_add_free_by(table, id, NULL); }

/* Ids 1 to bucket_count are valid. */
uint32_t bucket_count(const struct bucket_table *table);

/* What a bucket stands at; never more frees than allocs. */
struct bucket_view {
    uint64_t slot_size, rate, allocs, frees, asked;
    uint32_t stack, labels;
};

struct bucket_view bucket_read(const struct bucket_table *table, uint32_t id);

/* Allocations and frees of the buckets 1 to `count` as of the high-water mark, which is now where now is the highest;
 * a bucket that is newer has none. */
struct bucket_peak {
    uint64_t allocs, frees;
};

void bucket_read_peak(struct bucket_table *table, struct bucket_peak *out, uint32_t count);

void bucket_fork_prepare(struct bucket_table *table);
void bucket_fork_parent(struct bucket_table *table);
void bucket_fork_child(struct bucket_table *table);

/* Gives the memory back; for tests. */
void bucket_free(struct bucket_table *table);

#endif
