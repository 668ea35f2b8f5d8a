/* A hash table cut into shards by address, each with its own lock, so that threads rarely meet. A record is
 * 12 bytes: addresses and bucket ids are two arrays in one piece of memory.
 *
 *   insert: 1. lock the shard.  2. double it when 7/8 are used.  3. probe to the first empty slot.
 *   remove: 1. lock the shard.  2. probe to the address.  3. close the gap by moving back every record of the
 * run whose own place is at or before it, so no slot is ever marked as deleted and probes stay short.
 *
 * Locks: RANK_LIVE, one shard at a time (fork takes all of them, in order). Memory comes from table_memory.
 */
#include "profiler/live.h"

#include <string.h>

#include "base/bits.h"
#include "base/check.h"
#include "profiler/table_memory.h"

enum { FIRST_SLOTS = 256, RECORD_BYTES = sizeof(uint64_t) + sizeof(uint32_t) };

void live_init(struct live_table *table) {
    memset(table, 0, sizeof *table);
    for (size_t i = 0; i < LIVE_SHARDS; i++)
        table->shards[i].lock = (struct lock)LOCK_INIT(RANK_LIVE);
}

static uint64_t hash_of(uint64_t object) { return hash64(object); }

static struct live_shard *shard_of(struct live_table *table, uint64_t object) {
    return &table->shards[hash_of(object) >> 58];
}

/* The slot of the object, or the empty slot where it would go. */
static size_t probe_locked(const struct live_shard *shard, uint64_t object) {
    size_t i = hash_of(object) & shard->mask;
    while (shard->objects[i] && shard->objects[i] != object)
        i = (i + 1) & shard->mask;
    return i;
}

static bool grow_locked(struct live_shard *shard) {
    struct live_shard old = *shard;
    size_t slots = old.objects ? (old.mask + 1) * 2 : FIRST_SLOTS;
    uint64_t *objects = table_memory_alloc(slots * RECORD_BYTES);
    if (!objects)
        return false;
    shard->objects = objects;
    shard->buckets = (uint32_t *)(objects + slots);
    shard->mask = slots - 1;
    for (size_t i = 0; old.objects && i <= old.mask; i++) {
        if (old.objects[i]) {
            size_t to = probe_locked(shard, old.objects[i]);
            shard->objects[to] = old.objects[i];
            shard->buckets[to] = old.buckets[i];
        }
    }
    if (old.objects)
        table_memory_free(old.objects, (old.mask + 1) * RECORD_BYTES);
    return true;
}

bool live_insert(struct live_table *table, const void *object, uint32_t bucket) {
    uint64_t key = (uintptr_t)object;
    struct live_shard *shard = shard_of(table, key);
    lock_acquire(&shard->lock);
    size_t slots = shard->mask + 1;
    bool ok = (shard->objects && shard->count < slots - slots / 8) || grow_locked(shard);
    if (ok) {
        size_t i = probe_locked(shard, key);
        DCHECK(!shard->objects[i]);
        shard->count += !shard->objects[i];
        shard->objects[i] = key;
        shard->buckets[i] = bucket;
    }
    lock_release(&shard->lock);
    return ok;
}

static void close_gap_locked(struct live_shard *shard, size_t gap) {
    for (size_t i = (gap + 1) & shard->mask; shard->objects[i]; i = (i + 1) & shard->mask) {
        size_t home = hash_of(shard->objects[i]) & shard->mask;
        if (((i - home) & shard->mask) >= ((i - gap) & shard->mask)) {
            shard->objects[gap] = shard->objects[i];
            shard->buckets[gap] = shard->buckets[i];
            gap = i;
        }
    }
    shard->objects[gap] = 0;
}

uint32_t live_remove(struct live_table *table, const void *object) {
    uint64_t key = (uintptr_t)object;
    struct live_shard *shard = shard_of(table, key);
    uint32_t bucket = 0;
    lock_acquire(&shard->lock);
    if (shard->objects) {
        size_t i = probe_locked(shard, key);
        if (shard->objects[i]) {
            bucket = shard->buckets[i];
            close_gap_locked(shard, i);
            shard->count--;
        }
    }
    lock_release(&shard->lock);
    return bucket;
}

size_t live_count(struct live_table *table) {
    size_t count = 0;
    for (size_t i = 0; i < LIVE_SHARDS; i++) {
        lock_acquire(&table->shards[i].lock);
        count += table->shards[i].count;
        lock_release(&table->shards[i].lock);
    }
    return count;
}

void live_fork_prepare(struct live_table *table) {
    for (size_t i = 0; i < LIVE_SHARDS; i++)
        lock_acquire_for_fork(&table->shards[i].lock);
}

void live_fork_parent(struct live_table *table) {
    for (size_t i = LIVE_SHARDS; i-- > 0;)
        lock_release(&table->shards[i].lock);
}

void live_fork_child(struct live_table *table) {
    for (size_t i = LIVE_SHARDS; i-- > 0;)
        lock_reset_after_fork(&table->shards[i].lock);
}

void live_free(struct live_table *table) {
    for (size_t i = 0; i < LIVE_SHARDS; i++) {
        struct live_shard *shard = &table->shards[i];
        if (shard->objects)
            table_memory_free(shard->objects, (shard->mask + 1) * RECORD_BYTES);
    }
    live_init(table);
}
