/* A hash table cut into shards by address, each with its own lock, so that threads rarely meet. A record is
 * 16 bytes: addresses and births are two arrays in one piece of memory.
 *
 *   insert: 1. lock the shard.  2. double it when 7/8 are used.  3. probe to the first empty slot.
 *   remove: 1. lock the shard.  2. probe to the address.  3. close the gap by moving back every record of the
 * run whose own place is at or before it, so no slot is ever marked as deleted and probes stay short.
 *
 * Most programs have few sampled objects, and a page for each shard would be more memory than they sample with.
 * A shard therefore begins with 4 slots and doubles. Up to 128 it lies in a block that all shards of its size share;
 * each shard passes through every size, so the block is given back when the last has left it. From 256 slots, which
 * fill a page, its memory is its own.
 *
 *   level 0   | shard 0: 4 | shard 1: 4 | ... | shard 63: 4 |      4 KiB
 *   level 5   | shard 0: 128 ....... | shard 1: 128 ....... |    128 KiB
 *
 * Locks: RANK_LIVE, one shard at a time (fork takes all of them, in order). Memory comes from table_memory.
 */
#include "profiler/live.h"

#include <assert.h>
#include <string.h>

#include "base/atomic.h"
#include "base/bits.h"
#include "base/check.h"
#include "profiler/table_memory.h"

enum { FIRST_SLOTS = 4, SHARED_SLOTS = FIRST_SLOTS << LIVE_LEVELS };
enum { RECORD_BYTES = sizeof(uint64_t) + sizeof(struct live_birth) };

static_assert(sizeof(struct live_shard) == 32, "two to a cache line");

static uint64_t hash_of(uint64_t object) { return hash64(object); }

static struct live_shard *shard_of(struct live_table *table, uint64_t object) {
    return &table->shards[hash_of(object) >> 58];
}

static struct live_birth *births_of(const struct live_shard *shard) {
    return (struct live_birth *)(void *)(shard->objects + shard->slots);
}

static struct live_level *level_of(struct live_table *table, uint32_t slots) {
    return &table->levels[log2_floor(slots / FIRST_SLOTS)];
}

/* 7/8 of the slots, and always one that is empty. */
static uint32_t most_records(uint32_t slots) { return slots - (slots + 7) / 8; }

/* Memory for `slots` of the shard; all zero. NULL when there is none. */
static uint64_t *take_slots(struct live_table *table, const struct live_shard *shard, uint32_t slots) {
    size_t bytes = (size_t)slots * RECORD_BYTES;
    if (slots >= SHARED_SLOTS)
        return table_memory_alloc(bytes);
    struct live_level *level = level_of(table, slots);
    char *base = atomic_load_acquire(&level->base);
    if (!base) {
        void *expected = NULL;
        base = table_memory_alloc(LIVE_SHARDS * bytes);
        if (base && !atomic_cas_strong_acq_rel(&level->base, &expected, base)) {
            table_memory_free(base, LIVE_SHARDS * bytes);
            base = expected;
        }
    }
    return base ? (uint64_t *)(void *)(base + (size_t)(shard - table->shards) * bytes) : NULL;
}

/* The shard has left these slots. */
static void leave_slots(struct live_table *table, uint64_t *objects, uint32_t slots) {
    size_t bytes = (size_t)slots * RECORD_BYTES;
    if (slots >= SHARED_SLOTS) {
        table_memory_free(objects, bytes);
    } else if (slots) {
        struct live_level *level = level_of(table, slots);
        if (atomic_add_acq_rel(&level->left, 1) + 1 == LIVE_SHARDS)
            table_memory_free(atomic_swap_acq_rel(&level->base, NULL), LIVE_SHARDS * bytes);
    }
}

/* The slot of the object, or the empty slot where it would go. */
static size_t probe_locked(const struct live_shard *shard, uint64_t object) {
    size_t mask = shard->slots - 1;
    size_t i = hash_of(object) & mask;
    while (shard->objects[i] && shard->objects[i] != object)
        i = (i + 1) & mask;
    return i;
}

static bool grow_locked(struct live_table *table, struct live_shard *shard) {
    struct live_shard old = *shard;
    uint32_t slots = old.slots ? old.slots * 2 : FIRST_SLOTS;
    uint64_t *objects = slots ? take_slots(table, shard, slots) : NULL;
    if (!objects)
        return false;
    shard->objects = objects;
    shard->slots = slots;
    for (size_t i = 0; i < old.slots; i++) {
        if (old.objects[i]) {
            size_t to = probe_locked(shard, old.objects[i]);
            shard->objects[to] = old.objects[i];
            births_of(shard)[to] = births_of(&old)[i];
        }
    }
    leave_slots(table, old.objects, old.slots);
    return true;
}

bool live_insert(struct live_table *table, const void *object, struct live_birth birth) {
    uint64_t key = (uintptr_t)object;
    struct live_shard *shard = shard_of(table, key);
    lock_acquire(&shard->lock);
    bool ok = shard->count < most_records(shard->slots) || grow_locked(table, shard);
    if (ok) {
        size_t i = probe_locked(shard, key);
        DCHECK(!shard->objects[i]);
        shard->count += !shard->objects[i];
        shard->objects[i] = key;
        births_of(shard)[i] = birth;
    }
    lock_release(&shard->lock);
    return ok;
}

static void close_gap_locked(struct live_shard *shard, size_t gap) {
    size_t mask = shard->slots - 1;
    for (size_t i = (gap + 1) & mask; shard->objects[i]; i = (i + 1) & mask) {
        size_t home = hash_of(shard->objects[i]) & mask;
        if (((i - home) & mask) >= ((i - gap) & mask)) {
            shard->objects[gap] = shard->objects[i];
            births_of(shard)[gap] = births_of(shard)[i];
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
    if (shard->slots) {
        size_t i = probe_locked(shard, key);
        if (shard->objects[i]) {
            bucket = births_of(shard)[i].bucket;
            close_gap_locked(shard, i);
            shard->count--;
        }
    }
    lock_release(&shard->lock);
    return bucket;
}

size_t live_read(struct live_table *table, size_t number, struct live_birth *out, size_t room) {
    struct live_shard *shard = &table->shards[number];
    lock_acquire(&shard->lock);
    size_t count = shard->count, n = 0;
    for (size_t i = 0; i < shard->slots && count <= room; i++) {
        if (shard->objects[i])
            out[n++] = births_of(shard)[i];
    }
    lock_release(&shard->lock);
    return count;
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
    live_pages_fork_prepare(&table->pages);
}

void live_fork_parent(struct live_table *table) {
    live_pages_fork_parent(&table->pages);
    for (size_t i = LIVE_SHARDS; i-- > 0;)
        lock_release(&table->shards[i].lock);
}

void live_fork_child(struct live_table *table) {
    live_pages_fork_child(&table->pages);
    for (size_t i = LIVE_SHARDS; i-- > 0;)
        lock_reset_after_fork(&table->shards[i].lock);
}

void live_free(struct live_table *table) {
    live_pages_free(&table->pages);
    for (size_t i = 0; i < LIVE_SHARDS; i++) {
        struct live_shard *shard = &table->shards[i];
        if (shard->slots >= SHARED_SLOTS)
            table_memory_free(shard->objects, (size_t)shard->slots * RECORD_BYTES);
    }
    for (size_t i = 0; i < LIVE_LEVELS; i++) {
        void *base = atomic_load_relaxed(&table->levels[i].base);
        if (base)
            table_memory_free(base, (size_t)LIVE_SHARDS * (FIRST_SLOTS << i) * RECORD_BYTES);
    }
    *table = (struct live_table)LIVE_TABLE_INIT;
}
