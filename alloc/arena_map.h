/* The address space of the heap, and the way from a pointer to its span.
 *
 * The heap lies inside a window of 4 TiB that is placed where the kernel put the first reservation; 64 MiB of it are
 * an arena. Nothing of the window is reserved but what was asked for, in chunks of 4 MiB.
 *
 *   pointer - base:  | arena 16 bits | page 13 bits | byte 13 bits |
 *                      arenas[a]  ->   spans[page]  -> struct span
 *
 * A lookup is three loads and no lock. It is right for any pointer: one outside of the window, outside of an arena, or
 * in pages without a span gives NULL. Growth is guarded by the page heap's lock. */
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

struct arena {
    /* The span of each page: of a small span all pages point to it, of a large one only the first. */
    _Atomic(struct span *) spans[ARENA_PAGES];
};

extern HIDDEN struct arena_map {
    _Atomic(struct arena *) arenas[WINDOW_ARENAS];
    uintptr_t base; /* constant after the first growth */
} arena_map;

static inline struct span *arena_map_span(const void *p) {
    uintptr_t offset = (uintptr_t)p - arena_map.base;
    if (offset >> WINDOW_SHIFT)
        return NULL;
    struct arena *arena = atomic_load_acquire(&arena_map.arenas[offset >> ARENA_SHIFT]);
    if (!arena)
        return NULL;
    return atomic_load_relaxed(&arena->spans[offset >> HEAP_PAGE_SHIFT & (ARENA_PAGES - 1)]);
}

/* True when `slot` is on the list of free slots that begins at `first`. Walks at most `most` links and stops at one
 * that leads out of the heap, so it may be used on a list that another thread is changing: what it finds is there. */
bool arena_map_list_holds(const void *first, const void *slot, uint32_t most);

/* Page numbers count from the window's base. */
static inline uint64_t arena_map_page(uintptr_t address) { return (address - arena_map.base) >> HEAP_PAGE_SHIFT; }
static inline uintptr_t arena_map_address(uint64_t page) { return arena_map.base + (page << HEAP_PAGE_SHIFT); }

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
