/* Sampled objects that are alive: address -> bucket and time of birth. One record from `sampled` to `freed`. Any
 * thread; may run inside malloc and free. Bounded by the ceiling of table_memory. */
#ifndef HEAPTAP_PROFILER_LIVE_H
#define HEAPTAP_PROFILER_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/lock.h"
#include "profiler/live_pages.h"

enum { LIVE_SHARDS = 64, LIVE_LEVELS = 6 };

/* A shard's records, under its lock. */
struct live_shard {
    _Alignas(32) struct lock lock;
    uint32_t count;    /* at most 7/8 of the slots */
    uint32_t slots;    /* 0 or a power of two */
    uint64_t *objects; /* address, 0 = empty; behind them as many struct live_birth */
};

/* Memory that small shards share: the slots of shard i at i times a shard's bytes. */
struct live_level {
    void *_Atomic base;    /* NULL before the first shard needs it and after the last has left */
    _Atomic uint32_t left; /* shards that outgrew it; none comes back */
};

struct live_table {
    struct live_shard shards[LIVE_SHARDS];
    struct live_level levels[LIVE_LEVELS];
    struct live_pages pages; /* records that its user keeps there instead */
};

#define LIVE_TABLE_INIT                                                                                                \
    { .shards = {[0 ... LIVE_SHARDS - 1] = {.lock = LOCK_INIT(RANK_LIVE)}}, .pages = LIVE_PAGES_INIT }

/* False when there is no memory for it. The object must not be in the table. */
bool live_insert(struct live_table *table, const void *object, struct live_birth birth);
/* Takes the record out; 0 where there is none. */
uint32_t live_remove(struct live_table *table, const void *object);

/* The births of a shard's records, copied out in one moment, in any order. Returns their number; `out` is written only
 * where that is at most `room`. */
size_t live_read(struct live_table *table, size_t shard, struct live_birth *out, size_t room);

size_t live_count(struct live_table *table);

void live_fork_prepare(struct live_table *table);
void live_fork_parent(struct live_table *table);
void live_fork_child(struct live_table *table);

/* Gives the memory back; for tests. */
void live_free(struct live_table *table);

#endif
