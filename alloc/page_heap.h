/* Spans from pages: allocates runs, grows the heap, coalesces by construction (free pages are bits), and keeps
 * large objects. Thread safe; one lock. */
#ifndef HEAPTAP_ALLOC_PAGE_HEAP_H
#define HEAPTAP_ALLOC_PAGE_HEAP_H

#include "alloc/arena_map.h"
#include "alloc/page_alloc.h"

/* A span of `pages` for a size class (0: one large object), its first page aligned to `align_pages` (a power of two).
 * *zeroed: its pages were never written since the kernel gave them. NULL when the kernel refuses. */
struct span *page_heap_alloc(uint64_t pages, unsigned size_class, uint64_t align_pages, bool *zeroed);

/* No object of it is in use and it is in no list. */
void page_heap_free(struct span *span);

/* Changes a large span's pages in place. False when what follows is taken. The caller owns the object. */
bool page_heap_resize(struct span *span, uint64_t pages);

/* Returns up to `most` pages below *cursor to the kernel, the highest first; 0 when there are none. *cursor starts as
 * UINT64_MAX and moves down. Chunks with `dense` or more pages in use are passed over. The kernel is asked without the
 * lock. */
uint64_t page_heap_scavenge(uint64_t most, uint32_t dense, uint64_t *cursor);

/* Gives the addresses of chunks that are idle as a whole back, for processes under a limit on them. */
void page_heap_return_addresses(void);

/* The pages that the heap holds with memory behind them. Any thread, no lock; a little late. */
struct page_heap_ready {
    uint64_t inuse, free; /* in pages */
};

struct page_heap_ready page_heap_read_ready(void);

/* When the kernel last refused to let the heap grow, by os_now; 0 = never. */
int64_t page_heap_refused_at(void);

/* The most pages in use since the last call of this. */
uint64_t page_heap_take_peak(void);

struct page_heap_class {
    uint64_t spans;
    uint64_t pages;
    uint64_t slots; /* that its spans have room for; not counted for large ones */
};

/* All of one moment. */
struct page_heap_stats {
    uint64_t inuse_bytes;    /* in spans */
    uint64_t free_bytes;     /* free, with memory behind them */
    uint64_t released_bytes; /* free, without: never touched or returned */
    uint64_t largest_free_run_bytes;
    uint64_t metadata_bytes;                          /* page tables, bitmaps, arena tables */
    struct page_heap_class classes[SIZE_CLASS_COUNT]; /* their pages are what is in use; [0] are the large ones */
};

void page_heap_read_stats(struct page_heap_stats *out);

/* Of it the part that needs no lock: page tables, bitmaps, arena tables. */
uint64_t page_heap_metadata_bytes(void);

/* Who a bad pointer may have been: the span that covers it (for a large object any byte), or of the last freed spans
 * the one that did. For error messages; slow. */
struct page_heap_owner {
    bool found, freed;
    uintptr_t base;
    size_t slot_size;
    bool large;
};

struct page_heap_owner page_heap_explain(uintptr_t address);

/* Calls visit for every live span, under the lock: visit must not come back here. */
void page_heap_each_span(void (*visit)(struct span *span, void *context), void *context);
/* The same, chunk by chunk, so that nobody waits for longer than the visits to 512 pages; the whole is of no single
 * moment. A visited span lives until visit returns. */
void page_heap_each_span_in_turn(void (*visit)(struct span *span, void *context), void *context);
bool page_heap_validate(void);

struct lock *page_heap_lock(void);

#endif
