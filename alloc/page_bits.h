/* A bitmap of one chunk of pages: 512 bits, one a page. What a set bit means is the user's: allocated, or
 * scavenged. Plain data; the page heap's lock guards it. */
#ifndef HEAPTAP_ALLOC_PAGE_BITS_H
#define HEAPTAP_ALLOC_PAGE_BITS_H

#include <stdbool.h>
#include <stdint.h>

#define CHUNK_PAGES     512u
#define PAGE_BITS_WORDS (CHUNK_PAGES / 64)
#define PAGE_BITS_NONE  UINT32_MAX

struct page_bits {
    uint64_t words[PAGE_BITS_WORDS];
};

/* Runs of clear bits: at the start, the longest anywhere, at the end. */
struct page_runs {
    uint32_t start, max, end;
};

void page_bits_set(struct page_bits *bits, uint32_t first, uint32_t count);
void page_bits_clear(struct page_bits *bits, uint32_t first, uint32_t count);
uint32_t page_bits_count(const struct page_bits *bits, uint32_t first, uint32_t count); /* of set bits */
bool page_bits_test(const struct page_bits *bits, uint32_t index);

/* First index of the lowest run of `count` clear bits at or after `from`; PAGE_BITS_NONE without one. */
uint32_t page_bits_find(const struct page_bits *bits, uint32_t count, uint32_t from);

struct page_runs page_bits_runs(const struct page_bits *bits);

#endif
