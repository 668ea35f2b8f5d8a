/* Every loop goes by words, whatever runs there are: a run that crosses words is put together from their ends, and one
 * inside a word is found by shifting the word against itself. A clear bit is a free page, hence the inversions.
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

/* Shortens every run of set bits by `by` at its high end: what is left of a run is as long as the run was longer. */
static uint64_t erode(uint64_t bits, uint32_t by) {
    uint32_t reach = 1; /* a set bit stands for so many of the original ones, from it upward */
    while (by) {
        uint32_t step = by < reach ? by : reach;
        bits &= bits >> step;
        reach += step;
        by -= step;
    }
    return bits;
}

uint32_t page_bits_find(const struct page_bits *bits, uint32_t count, uint32_t from) {
    uint32_t run = 0; /* of free pages, up to where the next word begins */
    uint64_t below = from % 64 ? mask_of(0, from % 64) : 0;
    for (uint32_t word = from / 64; word < PAGE_BITS_WORDS; word++, below = 0) {
        uint64_t used = bits->words[word] | below;
        if (run + ctz64(used) >= count)
            return word * 64 - run;
        uint64_t starts = count < 64 ? erode(~used, count - 1) : 0;
        if (starts)
            return word * 64 + ctz64(starts);
        run = used ? clz64(used) : run + 64;
    }
    return PAGE_BITS_NONE;
}

/* `longest`, or the length of the longest run of set bits if that is more. */
static uint32_t longest_run(uint64_t bits, uint32_t longest) {
    if (longest >= 64)
        return longest;
    for (bits = erode(bits, longest); bits; bits &= bits >> 1)
        longest++;
    return longest;
}

/* Mostly a word has free pages at its ends only, and what is inside need not be looked at. */
struct page_runs page_bits_runs(const struct page_bits *bits) {
    struct page_runs runs = {CHUNK_PAGES, 0, 0};
    for (uint32_t word = 0; word < PAGE_BITS_WORDS; word++) {
        uint64_t used = bits->words[word];
        if (!used) {
            runs.end += 64;
            continue;
        }
        uint32_t low = ctz64(used), high = clz64(used), joined = runs.end + low;
        uint64_t inside = ~(used | (used - 1)) << high >> high;
        runs.max = joined > runs.max ? joined : runs.max;
        if (runs.start == CHUNK_PAGES)
            runs.start = joined;
        if (inside)
            runs.max = longest_run(inside, runs.max);
        runs.end = high;
    }
    runs.max = runs.end > runs.max ? runs.end : runs.max;
    return runs;
}
