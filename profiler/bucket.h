/* Counters by (stack, slot size, rate of the draw): how many samples were allocated, how many of them freed.
 *
 * The weight of a sample depends only on its slot size and rate (profiler/sampler.h), so with both in the key
 * the counters are whole numbers, nothing is rounded while the program runs, and a free takes away exactly
 * what its allocation added. A snapshot multiplies, sums over the rates, and rounds last. */
#ifndef HEAPTAP_PROFILER_BUCKET_H
#define HEAPTAP_PROFILER_BUCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/lock.h"
#include "profiler/id_index.h"
#include "profiler/table_memory.h"

struct bucket {
    uint64_t slot_size;
    uint64_t rate;
    _Atomic uint64_t allocs; /* samples; any thread adds */
    _Atomic uint64_t frees;  /* of these; frees <= allocs at every moment */
    _Atomic uint64_t asked;  /* bytes that were requested of `allocs`; a sample more or less while they change */
    uint32_t stack;
    uint32_t reserved;
};

struct bucket_table {
    struct lock lock;        /* of everything that grows */
    struct id_index index;   /* read without the lock */
    struct table_area items; /* struct bucket, append-only */
    _Atomic uint32_t count;  /* written under the lock (release), read by snapshots (acquire) */
};

#define BUCKET_TABLE_INIT                                                                                              \
    { .lock = LOCK_INIT(RANK_LIVE), .items.share = 4 }

/* The id, > 0, of the bucket with this key; 0 when the table is full. May run inside malloc. */
uint32_t bucket_find(struct bucket_table *table, uint32_t stack, uint64_t slot_size, uint64_t rate);

/* `requested`: bytes that the program asked for. */
void bucket_add_alloc(struct bucket_table *table, uint32_t id, size_t requested);
void bucket_add_free(struct bucket_table *table, uint32_t id);

/* Ids 1 to bucket_count are valid. */
uint32_t bucket_count(const struct bucket_table *table);

/* What a bucket stood at; never more frees than allocs. */
struct bucket_view {
    uint64_t slot_size, rate, allocs, frees, asked;
    uint32_t stack;
};

struct bucket_view bucket_read(const struct bucket_table *table, uint32_t id);

void bucket_fork_prepare(struct bucket_table *table);
void bucket_fork_parent(struct bucket_table *table);
void bucket_fork_child(struct bucket_table *table);

/* Gives the memory back; for tests. */
void bucket_free(struct bucket_table *table);

#endif
