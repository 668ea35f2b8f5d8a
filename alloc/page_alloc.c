/* find, in steps:
 *   1. At a level, walk the entries of one block from the search hint on, carrying the length of the free run that
 * reaches the current entry from the left.
 *   2. The run and the entry's start suffice: found, it begins where the run began.
 *   3. The entry's longest run suffices: go down into its eight children and start again.
 *   4. Else carry on with the entry's end (or the whole entry, if all of it is free).
 *   5. At the bottom the chunk's bitmap answers.
 * Each level looks at eight entries at most, the top at 256: at most 256 + 4 * 8 + 1 visits whatever the heap's size.
 *
 * A change of pages recomputes the summaries of its chunks and then, level by level, of their parents.
 *
 * Locks: the caller's. Memory: os_reserve and os_map only. May run inside malloc. */
#include "alloc/page_alloc.h"

#include "base/atomic.h"
#include "base/bits.h"
#include "base/check.h"
#include "base/os.h"

enum { CHUNK_LOG = 9, FAN_LOG = 3, FAN = 1 << FAN_LOG, LEAF = PAGE_ALLOC_LEVELS - 1 };
enum { BLOCK_CHUNKS = 16, BLOCK_COUNT = PAGE_ALLOC_CHUNKS / BLOCK_CHUNKS };
enum { FIELD_BITS = 21, ALIGNED_STEPS_MOST = 320 };
enum { BLOCK_BYTES = BLOCK_CHUNKS * sizeof(struct page_chunk) };
#define FIELD_MAX (1u << FIELD_BITS)

static_assert(CHUNK_PAGES == 1u << CHUNK_LOG, "chunk");
static_assert(CHUNK_LOG + FAN_LOG * LEAF == FIELD_BITS, "an entry of the top level is counted by one field");

static unsigned level_log(int level) { return CHUNK_LOG + (unsigned)(FAN_LOG * (LEAF - level)); }
static uint64_t level_entries(int level) { return PAGE_ALLOC_CHUNKS >> (FAN_LOG * (LEAF - level)); }

static page_summary pack(struct page_runs runs) {
    if (runs.max == FIELD_MAX)
        return 1ull << 63;
    return (uint64_t)runs.start | (uint64_t)runs.max << FIELD_BITS | (uint64_t)runs.end << (2 * FIELD_BITS);
}

static struct page_runs unpack(page_summary summary) {
    if (summary >> 63)
        return (struct page_runs){FIELD_MAX, FIELD_MAX, FIELD_MAX};
    uint32_t mask = FIELD_MAX - 1;
    return (struct page_runs){(uint32_t)summary & mask, (uint32_t)(summary >> FIELD_BITS) & mask,
                              (uint32_t)(summary >> (2 * FIELD_BITS)) & mask};
}

/* The summary of eight neighbours, each of 2^log pages. */
static page_summary merge(const page_summary *children, unsigned log) {
    uint32_t whole = 1u << log;
    struct page_runs sum = {0, 0, 0};
    bool all_free = true; /* so far */
    for (int i = 0; i < FAN; i++) {
        struct page_runs child = unpack(children[i]);
        uint32_t joined = sum.end + child.start;
        if (all_free)
            sum.start += child.start;
        all_free = all_free && child.start == whole;
        if (joined > sum.max)
            sum.max = joined;
        if (child.max > sum.max)
            sum.max = child.max;
        sum.end = child.start == whole ? sum.end + whole : child.end;
    }
    return pack(sum);
}

static struct page_chunk *chunk_at(const struct page_alloc *pages, uint64_t chunk) {
    return &pages->blocks[chunk / BLOCK_CHUNKS][chunk % BLOCK_CHUNKS];
}

/* Makes entries [first, limit) of a table readable, and whatever lies between them and what already is. */
static bool prepare(struct page_alloc *pages, int table_index, size_t entry, uint64_t first, uint64_t limit) {
    struct page_table *table = &pages->tables[table_index];
    uintptr_t page = os_page_size();
    uintptr_t from = align_down(table->start + first * entry, page);
    uintptr_t to = align_up(table->start + limit * entry, page);
    if (table->prepared_to) {
        if (from >= table->prepared_from && to <= table->prepared_to)
            return true;
        from = from < table->prepared_from ? from : table->prepared_from;
        to = to > table->prepared_to ? to : table->prepared_to;
    }
    if (!os_map((void *)from, to - from))
        return false;
    atomic_bump_by_owner(&pages->metadata_bytes, (to - from) - (table->prepared_to - table->prepared_from));
    table->prepared_from = from;
    table->prepared_to = to;
    return true;
}

bool page_alloc_init(struct page_alloc *pages) {
    size_t sizes[PAGE_ALLOC_LEVELS + 1], total = 0;
    for (int level = 0; level < PAGE_ALLOC_LEVELS; level++) {
        size_t beside = level == 0 ? BLOCK_BYTES : 0;
        total += sizes[level] = align_up(level_entries(level) * sizeof(page_summary) + beside, os_page_size());
    }
    total += sizes[PAGE_ALLOC_LEVELS] = align_up(BLOCK_COUNT * sizeof(void *), os_page_size());
    uintptr_t start = (uintptr_t)os_reserve(NULL, total, os_page_size());
    if (!start)
        return false;
    *pages = (struct page_alloc){.search = UINT64_MAX, .chunk_first = PAGE_ALLOC_CHUNKS};
    for (int i = 0; i <= PAGE_ALLOC_LEVELS; i++) {
        pages->tables[i].start = start;
        start += sizes[i];
    }
    for (int level = 0; level < PAGE_ALLOC_LEVELS; level++)
        pages->levels[level] = (page_summary *)pages->tables[level].start;
    pages->blocks = (struct page_chunk **)pages->tables[PAGE_ALLOC_LEVELS].start;
    /* Level 0 is half of a page of 4 KiB, and a block the other half: one page less for a small heap. */
    pages->spare_block = (struct page_chunk *)(pages->levels[0] + level_entries(0));
    /* The top level and the blocks may be read anywhere. */
    bool ready = prepare(pages, 0, 1, 0, level_entries(0) * sizeof(page_summary) + BLOCK_BYTES) &&
                 prepare(pages, PAGE_ALLOC_LEVELS, sizeof(void *), 0, BLOCK_COUNT);
    if (!ready)
        os_free((void *)pages->tables[0].start, total);
    return ready;
}

static struct page_chunk *take_block(struct page_alloc *pages) {
    struct page_chunk *block = pages->spare_block;
    pages->spare_block = NULL;
    if (block)
        return block;
    block = os_alloc(BLOCK_BYTES);
    if (block)
        atomic_bump_by_owner(&pages->metadata_bytes, align_up(BLOCK_BYTES, os_page_size()));
    return block;
}

static bool ensure_blocks(struct page_alloc *pages, uint64_t first_chunk, uint64_t last_chunk) {
    for (uint64_t i = first_chunk / BLOCK_CHUNKS; i <= last_chunk / BLOCK_CHUNKS; i++) {
        if (pages->blocks[i])
            continue;
        struct page_chunk *block = take_block(pages);
        if (!block)
            return false;
        for (int c = 0; c < BLOCK_CHUNKS; c++)
            page_bits_set(&block[c].allocated, 0, CHUNK_PAGES);
        pages->blocks[i] = block;
    }
    return true;
}

/* Recomputes the summaries over the pages first .. first+count-1, from the leaves to the top. */
static void update(struct page_alloc *pages, uint64_t first, uint64_t count) {
    uint64_t low = first >> CHUNK_LOG, high = (first + count - 1) >> CHUNK_LOG;
    for (uint64_t c = low; c <= high; c++)
        pages->levels[LEAF][c] = pack(page_bits_runs(&chunk_at(pages, c)->allocated));
    for (int level = LEAF - 1; level >= 0; level--) {
        low >>= FAN_LOG;
        high >>= FAN_LOG;
        bool changed = false;
        for (uint64_t i = low; i <= high; i++) {
            page_summary sum = merge(&pages->levels[level + 1][i << FAN_LOG], level_log(level + 1));
            changed |= sum != pages->levels[level][i];
            pages->levels[level][i] = sum;
        }
        if (!changed)
            return;
    }
}

bool page_alloc_grow(struct page_alloc *pages, uint64_t first_page, uint64_t count) {
    DCHECK(first_page % CHUNK_PAGES == 0 && count % CHUNK_PAGES == 0 && count);
    uint64_t first = first_page >> CHUNK_LOG, last = (first_page + count - 1) >> CHUNK_LOG;
    CHECK(last < PAGE_ALLOC_CHUNKS);
    for (int level = LEAF; level > 0; level--) {
        /* Whole groups of siblings: merge reads all eight. */
        unsigned shift = (unsigned)(FAN_LOG * (LEAF - level));
        if (!prepare(pages, level, sizeof(page_summary), align_down(first >> shift, FAN),
                     align_up((last >> shift) + 1, FAN)))
            return false;
    }
    if (!ensure_blocks(pages, first, last))
        return false;
    for (uint64_t c = first; c <= last; c++) {
        page_bits_clear(&chunk_at(pages, c)->allocated, 0, CHUNK_PAGES);
        page_bits_set(&chunk_at(pages, c)->scavenged, 0, CHUNK_PAGES);
    }
    update(pages, first_page, count);
    if (first_page < pages->search)
        pages->search = first_page;
    if (first < pages->chunk_first)
        pages->chunk_first = first;
    if (last + 1 > pages->chunk_limit)
        pages->chunk_limit = last + 1;
    return true;
}

/* What one level said: found, go down, or nothing here. */
struct step {
    enum { STEP_NONE, STEP_FOUND, STEP_DOWN } kind;
    uint64_t where; /* a page, or the entry to go down into */
};

static struct step find_in_block(struct page_alloc *pages, int level, uint64_t first_entry, uint64_t entries,
                                 uint64_t count) {
    unsigned log = level_log(level);
    uint64_t whole = 1ull << log, run = 0, run_start = 0;
    uint64_t from = pages->search >> log;
    for (uint64_t i = from > first_entry ? from : first_entry; i < first_entry + entries; i++) {
        pages->visits++;
        struct page_runs runs = unpack(pages->levels[level][i]);
        if (run + runs.start >= count)
            return (struct step){STEP_FOUND, run ? run_start : i << log};
        if (runs.max >= count)
            return (struct step){STEP_DOWN, i};
        if (run && runs.start == whole) {
            run += whole;
        } else {
            run = runs.end;
            run_start = ((i + 1) << log) - run;
        }
    }
    return (struct step){STEP_NONE, 0};
}

static uint64_t find(struct page_alloc *pages, uint64_t count) {
    uint64_t first = 0, entries = level_entries(0);
    struct step step = {STEP_NONE, 0};
    for (int level = 0; level < PAGE_ALLOC_LEVELS; level++) {
        step = find_in_block(pages, level, first, entries, count);
        if (step.kind == STEP_FOUND)
            return step.where;
        if (step.kind == STEP_NONE) {
            CHECK(level == 0); /* a parent that promises a run has a child that holds it */
            return PAGE_ALLOC_NONE;
        }
        first = step.where << FAN_LOG;
        entries = FAN;
    }
    pages->visits++;
    uint32_t index = page_bits_find(&chunk_at(pages, step.where)->allocated, (uint32_t)count, 0);
    CHECK(index != PAGE_BITS_NONE);
    return (step.where << CHUNK_LOG) + index;
}

/* The part of a run of pages that lies in one chunk. */
#define FOR_EACH_CHUNK(first, count)                                                                                   \
    for (uint64_t at = (first), left = (count), take;                                                                  \
         left && (take = CHUNK_PAGES - at % CHUNK_PAGES, take = take < left ? take : left); at += take, left -= take)

static uint64_t mark_taken(struct page_alloc *pages, uint64_t first, uint64_t count) {
    uint64_t scavenged = 0;
    FOR_EACH_CHUNK(first, count) {
        struct page_chunk *chunk = chunk_at(pages, at >> CHUNK_LOG);
        uint32_t index = at % CHUNK_PAGES, n = (uint32_t)take;
        DCHECK(page_bits_count(&chunk->allocated, index, n) == 0);
        page_bits_set(&chunk->allocated, index, n);
        scavenged += page_bits_count(&chunk->scavenged, index, n);
        page_bits_clear(&chunk->scavenged, index, n);
    }
    update(pages, first, count);
    return scavenged;
}

uint64_t page_alloc_take(struct page_alloc *pages, uint64_t count, uint64_t *scavenged) {
    if (pages->search == UINT64_MAX)
        return PAGE_ALLOC_NONE;
    uint64_t first = find(pages, count);
    if (first == PAGE_ALLOC_NONE) {
        if (count == 1)
            pages->search = UINT64_MAX; /* not one free page anywhere */
        return PAGE_ALLOC_NONE;
    }
    *scavenged = mark_taken(pages, first, count);
    /* A single page is taken at the lowest free one, so nothing below it is free. */
    if (count == 1 || first == pages->search)
        pages->search = first + count;
    return first;
}

/* How many of `count` pages from `first` on, a chunk's first, are free before one is not: asks the summaries of chunks.
 */
static uint64_t free_ahead(struct page_alloc *pages, uint64_t first, uint64_t count) {
    FOR_EACH_CHUNK(first, count) {
        uint64_t free = unpack(pages->levels[LEAF][at >> CHUNK_LOG]).start;
        pages->visits++;
        if (free < take)
            return at - first + free;
    }
    return count;
}

/* Where a run of `count` pages that begins at `at` or later may begin at the earliest, by one level's entry around
 * `at`: if the entry's longest run is too short, it must begin in the run at the entry's end. Looks at the widest
 * entries first; `at` itself when none of them objects. */
static uint64_t skip_hopeless(struct page_alloc *pages, uint64_t at, uint64_t count) {
    for (int level = 0; level < PAGE_ALLOC_LEVELS; level++) {
        unsigned log = level_log(level);
        struct page_runs runs = unpack(pages->levels[level][at >> log]);
        uint64_t earliest = (((at >> log) + 1) << log) - runs.end;
        pages->visits++;
        if (runs.max < count && earliest > at)
            return earliest;
    }
    return at;
}

uint64_t page_alloc_take_aligned(struct page_alloc *pages, uint64_t count, uint64_t align, uint64_t *scavenged) {
    uint64_t lowest = pages->chunk_first << CHUNK_LOG, limit = pages->chunk_limit << CHUNK_LOG;
    DCHECK(is_power_of_two(align) && align >= CHUNK_PAGES);
    if (pages->search > lowest)
        lowest = pages->search;
    if (lowest >= limit)
        return PAGE_ALLOC_NONE;
    uint64_t at = align_up(lowest, align);
    for (int steps = 0; steps < ALIGNED_STEPS_MOST && at < limit && count <= limit - at; steps++) {
        uint64_t earliest = skip_hopeless(pages, at, count);
        if (earliest == at) {
            uint64_t free = free_ahead(pages, at, count);
            if (free == count) {
                *scavenged = mark_taken(pages, at, count);
                return at;
            }
            earliest = at + free + 1;
        }
        at = align_up(earliest, align);
    }
    return PAGE_ALLOC_NONE;
}

uint64_t page_alloc_free_tail(const struct page_alloc *pages, uint64_t most) {
    uint64_t end = pages->chunk_limit << CHUNK_LOG, tail = 0;
    for (uint64_t chunk = pages->chunk_limit; chunk-- > pages->chunk_first && tail < most;) {
        uint32_t free = unpack(pages->levels[LEAF][chunk]).end;
        tail += free;
        if (free < CHUNK_PAGES)
            break;
    }
    return end - tail;
}

bool page_alloc_take_at(struct page_alloc *pages, uint64_t first, uint64_t count, uint64_t *scavenged) {
    if (first + count > pages->chunk_limit << CHUNK_LOG)
        return false;
    FOR_EACH_CHUNK(first, count) {
        if (!pages->blocks[(at >> CHUNK_LOG) / BLOCK_CHUNKS])
            return false;
        if (page_bits_count(&chunk_at(pages, at >> CHUNK_LOG)->allocated, at % CHUNK_PAGES, (uint32_t)take))
            return false;
    }
    *scavenged = mark_taken(pages, first, count);
    return true;
}

void page_alloc_give(struct page_alloc *pages, uint64_t first, uint64_t count) {
    FOR_EACH_CHUNK(first, count) {
        struct page_chunk *chunk = chunk_at(pages, at >> CHUNK_LOG);
        DCHECK(page_bits_count(&chunk->allocated, at % CHUNK_PAGES, (uint32_t)take) == take);
        page_bits_clear(&chunk->allocated, at % CHUNK_PAGES, (uint32_t)take);
    }
    update(pages, first, count);
    if (first < pages->search)
        pages->search = first;
}

/* The highest run inside one chunk below page index `limit`. */
static bool find_idle_in_chunk(const struct page_chunk *chunk, uint32_t limit, uint64_t most, uint32_t align,
                               uint32_t *first, uint32_t *count) {
    uint32_t end = 0, at = (uint32_t)align_down(limit, align);
    uint32_t cap = most < align ? align : (uint32_t)align_down(most > CHUNK_PAGES ? CHUNK_PAGES : most, align);
    bool inside = false;
    for (; at >= align; at -= align) {
        bool idle = page_bits_count(&chunk->allocated, at - align, align) == 0 &&
                    page_bits_count(&chunk->scavenged, at - align, align) < align;
        if (idle && !inside)
            end = at;
        if (inside && (!idle || end - at >= cap))
            break;
        inside = idle;
    }
    *first = at;
    *count = end - at;
    return end > at;
}

bool page_alloc_find_idle(const struct page_alloc *pages, uint64_t limit, uint64_t most, uint32_t align, uint32_t dense,
                          uint64_t *first, uint64_t *count) {
    uint64_t last = pages->chunk_limit << CHUNK_LOG;
    for (uint64_t end = limit < last ? limit : last; end > pages->chunk_first << CHUNK_LOG;
         end = align_down(end - 1, CHUNK_PAGES)) {
        uint64_t chunk = (end - 1) >> CHUNK_LOG;
        if (!pages->blocks[chunk / BLOCK_CHUNKS] || pages->levels[LEAF][chunk] == 0)
            continue;
        if (page_bits_count(&chunk_at(pages, chunk)->allocated, 0, CHUNK_PAGES) >= dense)
            continue;
        uint32_t index, n;
        if (find_idle_in_chunk(chunk_at(pages, chunk), (uint32_t)(end - (chunk << CHUNK_LOG)), most, align, &index,
                               &n)) {
            *first = (chunk << CHUNK_LOG) + index;
            *count = n;
            return true;
        }
    }
    return false;
}

void page_alloc_set_scavenged(struct page_alloc *pages, uint64_t first, uint64_t count) {
    FOR_EACH_CHUNK(first, count) {
        page_bits_set(&chunk_at(pages, at >> CHUNK_LOG)->scavenged, at % CHUNK_PAGES, (uint32_t)take);
    }
}

uint64_t page_alloc_remove_chunk(struct page_alloc *pages, uint64_t *scavenged) {
    page_summary all_free = pack((struct page_runs){CHUNK_PAGES, CHUNK_PAGES, CHUNK_PAGES});
    for (uint64_t chunk = pages->chunk_limit; chunk-- > pages->chunk_first;) {
        if (!pages->blocks[chunk / BLOCK_CHUNKS] || pages->levels[LEAF][chunk] != all_free)
            continue;
        *scavenged = mark_taken(pages, chunk << CHUNK_LOG, CHUNK_PAGES);
        return chunk << CHUNK_LOG;
    }
    return PAGE_ALLOC_NONE;
}

uint64_t page_alloc_largest_run(const struct page_alloc *pages) {
    uint64_t best = 0, run = 0;
    for (uint64_t i = 0; i < level_entries(0); i++) {
        struct page_runs runs = unpack(pages->levels[0][i]);
        run += runs.start;
        best = run > best ? run : best;
        best = runs.max > best ? runs.max : best;
        run = runs.start == FIELD_MAX ? run : runs.end;
    }
    return best;
}

bool page_alloc_validate(const struct page_alloc *pages) {
    for (uint64_t c = pages->chunk_first; c < pages->chunk_limit; c++) {
        if (!pages->blocks[c / BLOCK_CHUNKS])
            continue;
        if (pages->levels[LEAF][c] != pack(page_bits_runs(&chunk_at(pages, c)->allocated)))
            return false;
        for (int level = LEAF - 1; level >= 0; level--) {
            uint64_t i = c >> (FAN_LOG * (LEAF - level));
            if (pages->levels[level][i] != merge(&pages->levels[level + 1][i << FAN_LOG], level_log(level + 1)))
                return false;
        }
    }
    return true;
}
