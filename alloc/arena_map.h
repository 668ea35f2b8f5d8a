/* The address space of the heap, and the way from a pointer to its span.
 *
 * The heap lies inside a window of 4 TiB that is placed where the kernel put the first reservation; 64 MiB of it are
 * an arena. Nothing of the window is reserved but what was asked for, in chunks of 4 MiB.
 *
 *   pointer - base:  | arena 16 bits | page 13 bits | byte 13 bits |
 *                      tables[a] ----> [page]  ------> struct span
 * * An arena's table is kept by where its window's page 0 would be, so that the number of a page need not be cut in
 * two.
 *
 * The tables of the first arenas, as many as the machine has memory for, lie side by side, so for nearly every pointer
 * one comparison and one table do: `near`. What lies elsewhere, because addresses were taken or are many, is found all
 * the same, more slowly.
 *
 * A lookup is three loads at most, and no lock. It is right for any pointer: one outside of the window, outside of an
 * arena, or in pages without a span gives NULL. Growth is guarded by the page heap's lock. */
#ifndef HEAPTAP_ALLOC_ARENA_MAP_H
#define HEAPTAP_ALLOC_ARENA_MAP_H

#include "alloc/span.h"
#include "base/atomic.h"

#define ARENA_SHIFT   26
#define ARENA_PAGES   (1u << (ARENA_SHIFT - HEAP_PAGE_SHIFT))
#define WINDOW_SHIFT  42
#define WINDOW_ARENAS (1u << (WINDOW_SHIFT - ARENA_SHIFT))
#define WINDOW_PAGES  (1ull << (WINDOW_SHIFT - HEAP_PAGE_SHIFT))
#define CHUNK_SHIFT   22
#define CHUNK_BYTES   ((size_t)1 << CHUNK_SHIFT)

/* The span of each page: of a small span all pages point to it, of a large one only the first. */
typedef _Atomic(struct span *) arena_page;

/* For each arena of the window the address of its table less that of its place in it; 0 = no arena. */
extern HIDDEN _Atomic uintptr_t arena_map_tables[WINDOW_ARENAS];
extern HIDDEN uintptr_t arena_map_window; /* where the window begins; constant after the first growth */

extern HIDDEN struct arena_map_near {
    uintptr_t base; /* of the first arena; constant after the first growth, like pages */
    arena_page *pages;
    _Atomic uintptr_t bytes; /* of the heap behind these tables; grows */
} arena_map_near;

/* The place of a page of an arena whose table is there. */
static inline arena_page *arena_map_place(uintptr_t table, uint64_t page) {
    return (arena_page *)(table + page * sizeof(arena_page));
}

/* The span of a pointer into the near arenas; NULL for every other. */
static inline struct span *arena_map_near_span(const void *p) {
    uintptr_t offset = (uintptr_t)p - arena_map_near.base;
    if (UNLIKELY(!atomic_is_above(&arena_map_near.bytes, offset)))
        return NULL;
    return atomic_load_relaxed(&arena_map_near.pages[offset >> HEAP_PAGE_SHIFT]);
}

/* The same of every other pointer. */
struct span *arena_map_far_span(const void *p);

static inline struct span *arena_map_span(const void *p) {
    struct span *span = arena_map_near_span(p);
    return LIKELY(span) ? span : arena_map_far_span(p);
}

/* True when `slot` is on the list of free slots that begins at `first`. Walks at most `most` links and stops at one
 * that leads out of the heap, so it may be used on a list that another thread is changing: what it finds is there. */
bool arena_map_list_holds(const void *first, const void *slot, uint32_t most);

/* Page numbers count from the window's base. */
static inline uint64_t arena_map_page(uintptr_t address) { return (address - arena_map_window) >> HEAP_PAGE_SHIFT; }
static inline uintptr_t arena_map_address(uint64_t page) { return arena_map_window + (page << HEAP_PAGE_SHIFT); }

/* Sets (or with NULL clears) the span of `count` pages from `page` on. */
void arena_map_set(uint64_t page, uint64_t count, struct span *span);

/* The next chunks of the heap: `pages` rounded up to whole chunks, Prepared. Fills *first_page and *page_count. False
 * when the kernel refuses or the window is full. Under the page heap's lock. */
bool arena_map_grow_locked(uint64_t pages, uint64_t *first_page, uint64_t *page_count);

/* Takes the last growth back, which nobody used. */
void arena_map_undo_growth_locked(uint64_t page_count);

/* Bytes taken from the kernel for the maps. */
uint64_t arena_map_metadata_bytes(void);

#endif
