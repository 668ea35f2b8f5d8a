/* Which pages are free: the radix tree of Go's mpagealloc.go. Address-ordered first fit in a logarithmic number of
 * steps.
 *
 * Pages are numbered from 0 in a window of 2^29 (4 TiB of 8 KiB pages) and kept in chunks of 512, each with a
 * bitmap of allocated pages and one of scavenged pages (those with no memory behind them). Over the chunks stand
 * five levels of summaries; an entry says of its pages how many are free at the start, in the longest run, and at the
 * end:
 *
 *   level 0      16 GiB an entry     [s,m,e] [s,m,e] ...                    256 entries
 *   level 1       2 GiB              8 below each
 *   level 2     256 MiB
 *   level 3      32 MiB
 *   level 4       4 MiB = 1 chunk    [s,m,e] [s,m,e] ...                    2^20 entries, touched where the heap is
 *
 * Pure bookkeeping: it never touches the pages. Not thread safe; the page heap's lock guards the one in use. */
#ifndef HEAPTAP_ALLOC_PAGE_ALLOC_H
#define HEAPTAP_ALLOC_PAGE_ALLOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "alloc/page_bits.h"

#define PAGE_ALLOC_LEVELS 5
#define PAGE_ALLOC_CHUNKS (1u << 20)
#define PAGE_ALLOC_NONE   UINT64_MAX

/* start, max and end packed at 21 bits each; 2^21, which does not fit, is said by bit 63. */
typedef uint64_t page_summary;

struct page_chunk {
    struct page_bits allocated; /* set also for pages outside of the heap */
    struct page_bits scavenged; /* of free pages: no memory behind it, reads zero when touched */
};

/* A table that is Reserved whole and Prepared in one piece around what the heap needs of it. */
struct page_table {
    uintptr_t start;
    uintptr_t prepared_from, prepared_to;
};

struct page_alloc {
    struct page_table tables[PAGE_ALLOC_LEVELS + 1]; /* of the levels, and of `blocks` */
    page_summary *levels[PAGE_ALLOC_LEVELS];
    struct page_chunk **blocks;        /* chunk i is blocks[i / 16][i % 16] */
    struct page_chunk *spare_block;    /* the first block's memory, beside level 0; NULL once it is in use */
    uint64_t search;                   /* every page below is allocated */
    uint64_t chunk_first, chunk_limit; /* every chunk of the heap is in [first, limit) */
    _Atomic uint64_t metadata_bytes;   /* Prepared by this structure; anybody reads it */
    uint64_t visits;                   /* summaries and bitmaps looked at by find, ever */
};

/* False without address space for the tables. */
bool page_alloc_init(struct page_alloc *pages);

/* Adds whole chunks: free and scavenged. False without memory for the tables. */
bool page_alloc_grow(struct page_alloc *pages, uint64_t first_page, uint64_t count);

/* Takes the lowest run of `count` free pages: its first page, or PAGE_ALLOC_NONE. *scavenged = how many of
 * them were scavenged; they are so no longer. */
uint64_t page_alloc_take(struct page_alloc *pages, uint64_t count, uint64_t *scavenged);
/* Takes the lowest run of `count` free pages that begins at a multiple of `align` (a power of two, a chunk at least)
 * and was found by looking at 64 places at most; PAGE_ALLOC_NONE without one. */
uint64_t page_alloc_take_aligned(struct page_alloc *pages, uint64_t count, uint64_t align, uint64_t *scavenged);
/* Takes just these pages; false when one of them is not free. */
bool page_alloc_take_at(struct page_alloc *pages, uint64_t first, uint64_t count, uint64_t *scavenged);
void page_alloc_give(struct page_alloc *pages, uint64_t first, uint64_t count);

/* For the scavenger. The highest run of free pages with memory behind them that ends below `limit`, at most `most`
 * pages; false without one. The run lies inside one chunk and is aligned to `align` pages (a power of two up to a
 * chunk). Chunks with `dense` or more allocated pages are passed over: taking the last free pages of one from under a
 * huge page costs more than it gives. */
bool page_alloc_find_idle(const struct page_alloc *pages, uint64_t limit, uint64_t most, uint32_t align, uint32_t dense,
                          uint64_t *first, uint64_t *count);
/* Marks free pages as scavenged. */
void page_alloc_set_scavenged(struct page_alloc *pages, uint64_t first, uint64_t count);

/* Takes the highest chunk that is free as a whole out of the heap: its first page, or PAGE_ALLOC_NONE. *scavenged = how
 * many of its pages were. */
uint64_t page_alloc_remove_chunk(struct page_alloc *pages, uint64_t *scavenged);

/* The first page of the run of free pages with which the heap ends; at most `most` (whole chunks) are looked at. */
uint64_t page_alloc_free_tail(const struct page_alloc *pages, uint64_t most);

/* The longest run of free pages. */
uint64_t page_alloc_largest_run(const struct page_alloc *pages);
/* True when every summary agrees with the bitmaps. Walks everything. */
bool page_alloc_validate(const struct page_alloc *pages);

#endif
