/* Every loop goes by words, and inside a word by the run of equal bits at its low end, so the cost is the number of
 * runs, not of bits. A clear bit is a free page, hence the inversions: in `free` below a set bit is free.
 *
 * Locks, allocation: none. */
#include "alloc/page_bits.h"

#include "base/bits.h"
#include "base/check.h"

/* Bits first .. first+count-1 of one word; count in 1..64. */
static uint64_t mask_of(uint32_t first, uint32_t count) { return (count == 64 ? ~0ull : (1ull << count) - 1) << first; }

/* Calls `body` for each word that the range touches, with its mask. */
#define FOR_EACH_WORD(first, count, body)                                                                              \
    for (uint32_t at = (first), left = (count), take; left; at += take, left -= take) {                                \
        take = 64 - at % 64 < left ? 64 - at % 64 : left;                                                              \
        uint64_t mask = mask_of(at % 64, take);                                                                        \
        body;                                                                                                          \
    }

void page_bits_set(struct page_bits *bits, uint32_t first, uint32_t count) {
    DCHECK(first + count <= CHUNK_PAGES);
    FOR_EACH_WORD(first, count, bits->words[at / 64] |= mask)
}

void page_bits_clear(struct page_bits *bits, uint32_t first, uint32_t count) {
    DCHECK(first + count <= CHUNK_PAGES);
    FOR_EACH_WORD(first, count, bits->words[at / 64] &= ~mask)
}

uint32_t page_bits_count(const struct page_bits *bits, uint32_t first, uint32_t count) {
    DCHECK(first + count <= CHUNK_PAGES);
    uint32_t sum = 0;
    FOR_EACH_WORD(first, count, sum += popcount64(bits->words[at / 64] & mask))
    return sum;
}

bool page_bits_test(const struct page_bits *bits, uint32_t index) {
    return bits->words[index / 64] >> (index % 64) & 1;
}

/* Walks the maximal runs of clear bits from `from` upward: *first and *length of the next one; false at the end. */
static bool next_run(const struct page_bits *bits, uint32_t from, uint32_t *first, uint32_t *length) {
    uint32_t at = from;
    while (at < CHUNK_PAGES) {
        uint64_t free = ~bits->words[at / 64] >> (at % 64);
        if (free) {
            at += ctz64(free);
            break;
        }
        at = (uint32_t)align_up(at + 1, 64);
    }
    *first = at;
    while (at < CHUNK_PAGES) {
        uint64_t used = bits->words[at / 64] >> (at % 64);
        if (used) {
            at += ctz64(used);
            break;
        }
        at = (uint32_t)align_up(at + 1, 64);
    }
    *length = at - *first;
    return *length > 0;
}

uint32_t page_bits_find(const struct page_bits *bits, uint32_t count, uint32_t from) {
    uint32_t first, length;
    for (uint32_t at = from; next_run(bits, at, &first, &length); at = first + length)
        if (length >= count)
            return first;
    return PAGE_BITS_NONE;
}

struct page_runs page_bits_runs(const struct page_bits *bits) {
    struct page_runs runs = {0, 0, 0};
    uint32_t first, length;
    for (uint32_t at = 0; next_run(bits, at, &first, &length); at = first + length) {
        if (first == 0)
            runs.start = length;
        if (first + length == CHUNK_PAGES)
            runs.end = length;
        if (length > runs.max)
            runs.max = length;
    }
    return runs;
}
