/* Buckets lie in one growing array, found by an index of their keys; the id is the place in the array,
 * from 1. Finding goes as in stack_table.c: lock-free first, then under the lock.
 *
 * A snapshot reads `frees` before `allocs`: a free is counted after its own allocation was, so what it sees
 * is never negative.
 *
 * Locks: RANK_LIVE for growth; only fork holds it together with the live table's. May run inside malloc. */
#include "profiler/bucket.h"

#include "base/atomic.h"
#include "base/bits.h"
#include "base/check.h"

struct key {
    uint64_t slot_size, rate;
    uint32_t stack;
};

static struct bucket *bucket_at(const struct bucket_table *table, uint32_t id) {
    return (struct bucket *)(void *)table->items.base + (id - 1);
}

static bool is_wanted(uint32_t id, const void *wanted, const void *context) {
    const struct key *key = wanted;
    const struct bucket *bucket = bucket_at(context, id);
    return bucket->stack == key->stack && bucket->slot_size == key->slot_size && bucket->rate == key->rate;
}

static uint32_t append_locked(struct bucket_table *table, const struct key *key) {
    lock_assert_held(&table->lock);
    uint32_t id = atomic_load_relaxed(&table->count) + 1;
    if (id == 0 || !table_area_reach(&table->items, (size_t)id * sizeof(struct bucket)))
        return 0;
    *bucket_at(table, id) = (struct bucket){.slot_size = key->slot_size, .rate = key->rate, .stack = key->stack};
    atomic_store_release(&table->count, id);
    return id;
}

uint32_t bucket_find(struct bucket_table *table, uint32_t stack, uint64_t slot_size, uint64_t rate) {
    struct key key = {slot_size, rate, stack};
    uint64_t hash = hash64(hash64(hash64(stack) + slot_size) + rate);
    uint32_t id = id_index_find(&table->index, hash, is_wanted, &key, table);
    if (LIKELY(id))
        return id;
    lock_acquire(&table->lock);
    id = id_index_find(&table->index, hash, is_wanted, &key, table);
    if (!id && id_index_reserve_locked(&table->index)) {
        id = append_locked(table, &key);
        if (id)
            id_index_insert_locked(&table->index, hash, id);
    }
    lock_release(&table->lock);
    return id;
}

void bucket_add_alloc(struct bucket_table *table, uint32_t id, size_t requested) {
    struct bucket *bucket = bucket_at(table, id);
    atomic_add_relaxed(&bucket->asked, requested);
    atomic_add_relaxed(&bucket->allocs, 1);
}

/* Release, so that a reader that sees the free sees the allocation before it. */
void bucket_add_free(struct bucket_table *table, uint32_t id) { atomic_add_acq_rel(&bucket_at(table, id)->frees, 1); }

uint32_t bucket_count(const struct bucket_table *table) { return atomic_load_acquire(&table->count); }

struct bucket_view bucket_read(const struct bucket_table *table, uint32_t id) {
    const struct bucket *bucket = bucket_at(table, id);
    struct bucket_view view = {.slot_size = bucket->slot_size, .rate = bucket->rate, .stack = bucket->stack};
    view.frees = atomic_load_acquire(&bucket->frees);
    view.allocs = atomic_load_relaxed(&bucket->allocs);
    view.asked = atomic_load_relaxed(&bucket->asked);
    return view;
}

void bucket_fork_prepare(struct bucket_table *table) { lock_acquire_for_fork(&table->lock); }
void bucket_fork_parent(struct bucket_table *table) { lock_release(&table->lock); }
void bucket_fork_child(struct bucket_table *table) { lock_reset_after_fork(&table->lock); }

void bucket_free(struct bucket_table *table) {
    id_index_free(&table->index);
    table_area_free(&table->items);
    atomic_store_relaxed(&table->count, 0);
}
