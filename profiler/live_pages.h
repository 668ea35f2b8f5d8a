/* Live records for where a large part of all objects is sampled: an array for each page of the heap, with a place for
 * each object that may begin there. An object's place is computed, so there is neither a search nor a lock, nor another
 * thread that writes there: it is the object's own. Objects that lie together have records that lie together.
 *
 * Where few objects are sampled most places would be empty; profiler/live.h is for those. */
#ifndef HEAPTAP_PROFILER_LIVE_PAGES_H
#define HEAPTAP_PROFILER_LIVE_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/atomic.h"
#include "base/bits.h"
#include "base/check.h"
#include "base/lock.h"
#include "profiler/table_memory.h"

enum { LIVE_PAGES_SLOT_MOST = 1024 }; /* larger objects would be few on a page */

struct live_birth {
    uint32_t bucket;
    uint32_t time; /* the caller's unit */
};

struct live_pages {
    struct lock lock;                      /* of everything that grows */
    struct live_page_index *_Atomic index; /* read without the lock; NULL = empty */
    size_t count;                          /* of pages in it; under the lock */
    struct table_area records;             /* the first index, then records of 8 bytes, page by page; 0 = no object */
    _Atomic size_t used;                   /* bytes of both; under the lock, read by anybody */
};

#define LIVE_PAGES_INIT                                                                                                \
    { .lock = LOCK_INIT(RANK_LIVE) }

/* The index (live_pages.c): hash of page and g -> array. */
struct live_page_entry {
    _Atomic uint64_t key; /* page << LIVE_PAGES_KEY_SHIFT | g; 0 = empty */
    _Atomic uint64_t *_Atomic records;
};

struct live_page_index {
    unsigned bits; /* log2 of the number of entries */
    struct live_page_index *older;
    struct live_page_entry entries[];
};

enum { LIVE_PAGES_SHIFT = 13, LIVE_PAGES_KEY_SHIFT = 4 };

static inline size_t live_page_index_place(const struct live_page_index *index, uint64_t key) {
    return key * 0x9e3779b97f4a7c15ull >> (64 - index->bits);
}

/* A page's array; NULL where it has none. */
static inline _Atomic uint64_t *live_pages_find(const struct live_pages *pages, uint64_t key) {
    const struct live_page_index *index = atomic_load_acquire(&pages->index);
    if (UNLIKELY(!index))
        return NULL;
    for (size_t i = live_page_index_place(index, key);; i = (i + 1) & (((size_t)1 << index->bits) - 1)) {
        uint64_t there = atomic_load_acquire(&index->entries[i].key);
        if (LIKELY(there == key))
            return atomic_load_relaxed(&index->entries[i].records);
        if (!there)
            return NULL;
    }
}

/* The same, made where there is none; NULL without memory, or for objects too small. */
_Atomic uint64_t *live_pages_make(struct live_pages *pages, uint64_t key, unsigned shift);

static inline uint64_t live_pages_key(const void *object, unsigned shift) {
    return (uint64_t)((uintptr_t)object >> LIVE_PAGES_SHIFT) << LIVE_PAGES_KEY_SHIFT | shift;
}

static inline size_t live_pages_place(const void *object, unsigned shift) {
    return ((uintptr_t)object & (((uintptr_t)1 << LIVE_PAGES_SHIFT) - 1)) >> shift;
}

/* False where there is no memory, or the object is too large. It must not be in there; birth.bucket is not 0. The slot
 * size is that of all objects around it. */
static inline bool live_pages_insert(struct live_pages *pages, const void *object, size_t slot_size,
                                     struct live_birth birth) {
    unsigned shift = log2_floor(slot_size);
    uint64_t key = live_pages_key(object, shift);
    if (slot_size > LIVE_PAGES_SLOT_MOST)
        return false;
    _Atomic uint64_t *records = live_pages_find(pages, key);
    if (UNLIKELY(!records) && !(records = live_pages_make(pages, key, shift)))
        return false;
    atomic_store_relaxed(&records[live_pages_place(object, shift)], (uint64_t)birth.time << 32 | birth.bucket);
    return true;
}

/* Takes the record out; 0 where there is none. */
static inline uint32_t live_pages_remove(struct live_pages *pages, const void *object, size_t slot_size) {
    unsigned shift = log2_floor(slot_size);
    _Atomic uint64_t *records =
        slot_size <= LIVE_PAGES_SLOT_MOST ? live_pages_find(pages, live_pages_key(object, shift)) : NULL;
    if (!records)
        return 0;
    records += live_pages_place(object, shift);
    uint32_t bucket = (uint32_t)atomic_load_relaxed(records);
    atomic_store_relaxed(records, 0);
    return bucket;
}

/* All records, a part after another: calls visit for each. Objects that come or go meanwhile may be met or not. */
void live_pages_each(const struct live_pages *pages, void (*visit)(struct live_birth birth, void *context),
                     void *context);

void live_pages_fork_prepare(struct live_pages *pages);
void live_pages_fork_parent(struct live_pages *pages);
void live_pages_fork_child(struct live_pages *pages);

/* Gives the memory back; for tests. */
void live_pages_free(struct live_pages *pages);

#endif
