/* Sampled objects that are alive: address -> bucket. One record from `sampled` to `freed`. Any thread; may
 * run inside malloc and free. Bounded by the ceiling of table_memory. */
#ifndef HEAPTAP_PROFILER_LIVE_H
#define HEAPTAP_PROFILER_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/lock.h"

enum { LIVE_SHARDS = 64 };

struct live_shard {
    _Alignas(64) struct lock lock;
    uint32_t count;    /* records, at most 7/8 of the slots; under the lock */
    uint64_t *objects; /* address, 0 = empty; slots = mask + 1; under the lock */
    uint32_t *buckets; /* in the same memory, behind the objects */
    size_t mask;
};

struct live_table {
    struct live_shard shards[LIVE_SHARDS];
};

void live_init(struct live_table *table);

/* False when there is no memory for it. The object must not be in the table. */
bool live_insert(struct live_table *table, const void *object, uint32_t bucket);
/* Takes the record out; 0 where there is none. */
uint32_t live_remove(struct live_table *table, const void *object);

size_t live_count(struct live_table *table);

void live_fork_prepare(struct live_table *table);
void live_fork_parent(struct live_table *table);
void live_fork_child(struct live_table *table);

/* Gives the memory back; for tests. */
void live_free(struct live_table *table);

#endif
