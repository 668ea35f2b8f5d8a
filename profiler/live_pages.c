/* The place: slots of s bytes begin at least 2^g bytes apart, where 2^g <= s; so no two of a page have the same
 * offset / 2^g. A page of which slots of different sizes were sampled, one after the other, has an array for each g.
 *
 *   index:    hash of (page, g) -> array       open addressing, published like profiler/id_index.h's
 *   records:  | first index | page 7, g 6: 128 words | page 3, g 4: 512 words | ..        append-only
 *
 *   insert: 1. find the array; where there is none make it, under the lock.  2. store the record.
 *   remove: 1. find the array.  2. load the record, and store 0.
 *
 * Whoever frees an object got it from whoever allocated it, and with it all that was stored before, the index too.
 *
 * An array stays when its objects go: its page will be used again. What there can be at most is 8 bytes for each slot
 * of a page, and of each g.
 *
 * Locks: RANK_LIVE for growth. Memory comes from table_memory. May run inside malloc. */
#include "profiler/live_pages.h"

#include <assert.h>

#include "base/atomic.h"
#include "base/bits.h"
#include "base/check.h"
#include "base/os.h"

enum { LEAST_SHIFT = 3, FIRST_BITS = 5 };

static_assert(sizeof(struct live_birth) == sizeof(uint64_t), "a record is a word");

static size_t index_bytes(unsigned bits) {
    return sizeof(struct live_page_index) + (sizeof(struct live_page_entry) << bits);
}

static void publish(struct live_page_index *index, uint64_t key, _Atomic uint64_t *records) {
    size_t i = live_page_index_place(index, key);
    while (atomic_load_relaxed(&index->entries[i].key))
        i = (i + 1) & (((size_t)1 << index->bits) - 1);
    atomic_store_relaxed(&index->entries[i].records, records);
    atomic_store_release(&index->entries[i].key, key);
}

/* Where the records are, since most programs sample few pages densely. */
static struct live_page_index *first_index(struct live_pages *pages) {
    if (!table_area_reach(&pages->records, index_bytes(FIRST_BITS)))
        return NULL;
    atomic_store_release(&pages->used, index_bytes(FIRST_BITS));
    return (struct live_page_index *)(void *)pages->records.base;
}

/* Room for one more: at most half of the entries are used. */
static bool reserve_locked(struct live_pages *pages) {
    struct live_page_index *old = atomic_load_relaxed(&pages->index);
    if (old && pages->count < (size_t)1 << (old->bits - 1))
        return true;
    unsigned bits = old ? old->bits + 1 : FIRST_BITS;
    struct live_page_index *index = old ? table_memory_alloc(index_bytes(bits)) : first_index(pages);
    if (!index)
        return false;
    index->bits = bits;
    index->older = old;
    for (size_t i = 0; old && i < (size_t)1 << old->bits; i++) {
        uint64_t key = atomic_load_relaxed(&old->entries[i].key);
        if (key)
            publish(index, key, atomic_load_relaxed(&old->entries[i].records));
    }
    atomic_store_release(&pages->index, index);
    return true;
}

static _Atomic uint64_t *append_locked(struct live_pages *pages, uint64_t key, size_t bytes) {
    lock_assert_held(&pages->lock);
    if (!reserve_locked(pages))
        return NULL;
    size_t used = atomic_load_relaxed(&pages->used);
    if (!table_area_reach(&pages->records, used + bytes))
        return NULL;
    _Atomic uint64_t *records = (_Atomic uint64_t *)(void *)(pages->records.base + used);
    atomic_store_release(&pages->used, used + bytes);
    pages->count++;
    publish(atomic_load_relaxed(&pages->index), key, records);
    return records;
}

_Atomic uint64_t *live_pages_make(struct live_pages *pages, uint64_t key, unsigned shift) {
    size_t bytes = sizeof(uint64_t) << (LIVE_PAGES_SHIFT - shift);
    if (shift < LEAST_SHIFT)
        return NULL;
    lock_acquire(&pages->lock);
    _Atomic uint64_t *records = live_pages_find(pages, key);
    if (!records)
        records = append_locked(pages, key, bytes);
    lock_release(&pages->lock);
    return records;
}

void live_pages_each(const struct live_pages *pages, void (*visit)(struct live_birth birth, void *context),
                     void *context) {
    size_t count = atomic_load_acquire(&pages->used) / sizeof(uint64_t);
    const _Atomic uint64_t *records = (const _Atomic uint64_t *)(const void *)pages->records.base;
    for (size_t i = index_bytes(FIRST_BITS) / sizeof(uint64_t); i < count; i++) {
        uint64_t record = atomic_load_relaxed(&records[i]);
        if (record)
            visit((struct live_birth){.bucket = (uint32_t)record, .time = (uint32_t)(record >> 32)}, context);
    }
}

void live_pages_fork_prepare(struct live_pages *pages) { lock_acquire_for_fork(&pages->lock); }
void live_pages_fork_parent(struct live_pages *pages) { lock_release(&pages->lock); }
void live_pages_fork_child(struct live_pages *pages) { lock_reset_after_fork(&pages->lock); }

void live_pages_free(struct live_pages *pages) {
    for (struct live_page_index *index = atomic_load_relaxed(&pages->index), *older; index; index = older) {
        older = index->older;
        if ((char *)index != pages->records.base)
            table_memory_free(index, index_bytes(index->bits));
    }
    table_area_free(&pages->records);
    *pages = (struct live_pages)LIVE_PAGES_INIT;
}
