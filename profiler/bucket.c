/* Buckets lie in one growing array, found by an index of their keys; the id is the place in the array,
 * from 1. Finding goes as in stack_table.c: lock-free first, then under the lock.
 *
 * A snapshot reads `frees` before `allocs`: a free is counted after its own allocation was, so what it sees
 * is never negative.
 *
 * Locks: RANK_LIVE for growth; only fork holds it together with the live table's. May run inside malloc. */
#include "profiler/bucket.h"

#include <assert.h>

#include "base/atomic.h"
#include "base/bits.h"
#include "base/check.h"
#include "profiler/blackbox.h"
#include "profiler/sampler.h"

static_assert(sizeof(struct bucket) == 64, "a cache line");

static struct peak_kept *kept_at(const struct bucket_table *table, uint32_t id) {
    return (struct peak_kept *)(void *)table->peak.kept.base + (id - 1);
}

static bool is_wanted(uint32_t id, const void *wanted, const void *context) { return bucket_is(context, id, wanted); }

static uint64_t hash_key(const struct bucket_key *key) {
    return hash64(hash64(((uint64_t)key->labels << 32 | key->stack) + (key->slot_size << 20)) + key->rate +
                  ((uint64_t)key->owner << 48));
}

/* A new bucket stood at nothing at the high-water mark, and that is what its place among the kept says. */
static uint32_t append_locked(void *owner, const void *wanted) {
    struct bucket_table *table = owner;
    const struct bucket_key *key = wanted;
    lock_assert_held(&table->lock);
    uint32_t id = atomic_load_relaxed(&table->count) + 1;
    if (id == 0 || !table_area_reach(&table->items, (size_t)id * sizeof(struct bucket)) ||
        !table_area_reach(&table->peak.kept, (size_t)id * sizeof(struct peak_kept)) ||
        (key->owner && !table_area_reach(&table->others, (size_t)id * sizeof(uint64_t))))
        return 0;
    *bucket_at(table, id) = (struct bucket){.slot_size = key->slot_size,
                                            .rate = key->rate,
                                            .stack = key->stack,
                                            .labels = key->labels,
                                            .owner = key->owner,
                                            .weight = sampler_weight_bytes(key->slot_size, key->rate),
                                            .kept = 2 * atomic_load_acquire(&table->peak.epoch)};
    if (!blackbox_seal_bucket(id, key->stack, key->labels, key->slot_size, key->rate))
        return 0;
    if (key->rate != bucket_at(table, 1)->rate || key->owner != bucket_at(table, 1)->owner)
        atomic_store_relaxed(&table->rows_are_shared, true);
    atomic_store_release(&table->count, id);
    return id;
}

uint32_t bucket_find(struct bucket_table *table, const struct bucket_key *key) {
    return id_index_intern(&table->index, &table->lock, hash_key(key), is_wanted, append_locked, key, table);
}

static _Atomic uint64_t *others_at(const struct bucket_table *table, uint32_t id) {
    return (_Atomic uint64_t *)(void *)table->others.base + (id - 1);
}

/* Before its allocations are read. */
static uint64_t count_frees(const struct bucket_table *table, uint32_t id) {
    const struct bucket *bucket = bucket_at(table, id);
    uint64_t by_others = bucket->owner ? atomic_load_acquire(others_at(table, id)) : 0;
    return by_others + atomic_load_acquire(&bucket->frees);
}

void bucket_keep(struct bucket_table *table, uint32_t id, uint32_t epoch) {
    struct bucket *bucket = bucket_at(table, id);
    struct peak_kept *kept = kept_at(table, id);
    uint32_t seen = atomic_load_relaxed(&bucket->kept);
    if (seen / 2 == epoch || !atomic_cas_strong_acq_rel(&bucket->kept, &seen, 2 * epoch + 1))
        return;
    atomic_store_relaxed(&kept->frees, count_frees(table, id));
    atomic_store_relaxed(&kept->allocs, atomic_load_relaxed(&bucket->allocs));
    atomic_store_release(&bucket->kept, 2 * epoch);
}

void bucket_add_shared_alloc(struct bucket_table *table, uint32_t id, size_t requested) {
    struct bucket *bucket = bucket_at(table, id);
    atomic_add_relaxed(&bucket->asked, requested);
    atomic_add_release(&bucket->allocs, 1);
}

void bucket_add_others_free(struct bucket_table *table, uint32_t id) {
    struct bucket *bucket = bucket_at(table, id);
    atomic_add_acq_rel(bucket->owner ? others_at(table, id) : &bucket->frees, 1);
}

uint32_t bucket_count(const struct bucket_table *table) { return atomic_load_acquire(&table->count); }

struct bucket_view bucket_read(const struct bucket_table *table, uint32_t id) {
    const struct bucket *bucket = bucket_at(table, id);
    struct bucket_view view = {
        .slot_size = bucket->slot_size, .rate = bucket->rate, .stack = bucket->stack, .labels = bucket->labels};
    view.frees = count_frees(table, id);
    view.allocs = atomic_load_relaxed(&bucket->allocs);
    view.asked = atomic_load_relaxed(&bucket->asked);
    return view;
}

/* The values are those of now unless the bucket was changed since the mark. What is kept is looked at after the values
 * were read: had it been kept in between, the values of now may be newer than the mark. */
static struct bucket_peak read_peak(const struct bucket_table *table, uint32_t id, uint32_t epoch) {
    const struct bucket *bucket = bucket_at(table, id);
    struct bucket_view now = bucket_read(table, id);
    atomic_fence_acquire();
    if (atomic_load_acquire(&bucket->kept) != 2 * epoch)
        return (struct bucket_peak){now.allocs, now.frees};
    const struct peak_kept *kept = kept_at(table, id);
    return (struct bucket_peak){atomic_load_relaxed(&kept->allocs), atomic_load_relaxed(&kept->frees)};
}

/* A new mark in the middle would mix two: again then, and where marks come faster than they can be read the last try
 * stands, whose marks differ by less than the height of one. */
void bucket_read_peak(struct bucket_table *table, struct bucket_peak *out, uint32_t count) {
    enum { TRIES = 4 };
    for (int i = 0; i < TRIES; i++) {
        peak_settle(&table->peak);
        uint32_t epoch = atomic_load_acquire(&table->peak.epoch);
        for (uint32_t id = 1; id <= count; id++)
            out[id - 1] = read_peak(table, id, epoch);
        atomic_fence_acquire();
        if (atomic_load_relaxed(&table->peak.epoch) == epoch)
            return;
    }
}

void bucket_fork_prepare(struct bucket_table *table) { lock_acquire_for_fork(&table->lock); }
void bucket_fork_parent(struct bucket_table *table) { lock_release(&table->lock); }
void bucket_fork_child(struct bucket_table *table) { lock_reset_after_fork(&table->lock); }

void bucket_free(struct bucket_table *table) {
    id_index_free(&table->index);
    table_area_free(&table->items);
    table_area_free(&table->others);
    table_area_free(&table->peak.kept);
    table->peak = (struct peak)PEAK_INIT;
    atomic_store_relaxed(&table->rows_are_shared, false);
    atomic_store_relaxed(&table->count, 0);
}
