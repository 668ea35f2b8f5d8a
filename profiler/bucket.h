/* Counters by (stack, slot size, rate of the draw, labels): how many samples were allocated, how many of them freed.
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

#include "base/lock.h"
#include "profiler/id_index.h"
#include "profiler/peak.h"
#include "profiler/table_memory.h"
#include "proto/box.h"

/* One cache line. `kept` is twice the epoch of the high-water mark for which allocs and frees were last kept, or
 * one more while a thread is doing that. */
struct bucket {
    uint32_t stack;
    uint32_t labels;       /* id of a set (profiler/label_table.h), 0 = none */
    _Atomic uint32_t kept; /* any thread that changes the bucket */
    uint32_t reserved;
    uint64_t slot_size;
    uint64_t rate;
    uint64_t weight;         /* bytes that one sample stands for, rounded; for the high-water mark */
    _Atomic uint64_t allocs; /* samples; any thread adds */
    _Atomic uint64_t frees;  /* of these; frees <= allocs at every moment */
    _Atomic uint64_t asked;  /* bytes that were requested of `allocs`; a sample more or less while they change */
};

struct bucket_table {
    struct lock lock;         /* of everything that grows */
    struct id_index index;    /* read without the lock */
    struct table_area items;  /* struct bucket, append-only */
    _Atomic uint32_t count;   /* written under the lock (release), read by snapshots (acquire) */
    _Atomic bool mixed_rates; /* two buckets have been drawn at different rates; under the lock, read by snapshots */
    struct peak peak;
};

#define BUCKET_TABLE_INIT                                                                                              \
    { .lock = LOCK_INIT(RANK_LIVE), .items.share = 4, .items.box = BOX_BUCKETS, .peak = PEAK_INIT }

struct bucket_key {
    uint64_t slot_size, rate;
    uint32_t stack, labels;
};

/* The id, > 0, of the bucket with this key; 0 when the table is full. May run inside malloc. */
uint32_t bucket_find(struct bucket_table *table, const struct bucket_key *key);

/* `requested`: bytes that the program asked for. Returns the bytes that the sample stands for. */
uint64_t bucket_add_alloc(struct bucket_table *table, uint32_t id, size_t requested);
void bucket_add_free(struct bucket_table *table, uint32_t id);

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
