/* For each span: its geometry, its place in the arena map, its free list (inside the span, on slot starts, without a
 * cycle), its counts by state. For the page heap: summaries against bitmaps, pages in spans against pages in use.
 *
 * Locks: the page heap's for the walk. */
#include "alloc/validate.h"

#include "alloc/thread.h"
#include "base/bits.h"
#include "base/check.h"

enum { MARK_WORDS = 8192 / 64 }; /* the most slots a span has: 64 KiB of 8 bytes */

struct walk {
    struct validate_result result;
    uint64_t pages;
};

/* Every slot of a free list is a slot, and in no list before; returns their number. */
static uint32_t check_list(const struct span *span, const void *first, uint64_t *seen) {
    uint32_t count = 0, carved = span_carved_slots(span);
    for (const void *p = first; p; p = span_link_load(p)) {
        uint32_t index = span_index(span, (uintptr_t)p);
        CHECK(index < carved);
        CHECK(!(seen[index / 64] >> (index % 64) & 1));
        seen[index / 64] |= 1ull << (index % 64);
        count++;
    }
    return count;
}

/* The span's own list, and that of the cache which allocates from it. */
static uint32_t check_free_lists(const struct span *span) {
    uint64_t seen[MARK_WORDS] = {0};
    CHECK(span->slots <= MARK_WORDS * 64);
    uint32_t count = check_list(span, span->free, seen) + check_list(span, span->more, seen);
    if (span->state != SPAN_CURRENT)
        return count;
    const struct cache *cache = (const struct cache *)(atomic_load_relaxed(&span->owner) & ~SPAN_SAMPLED);
    const struct class_slot *slot = &cache->slots[span->size_class];
    CHECK(slot->current == span && slot->base == span->base);
    if (cache_has_free(slot))
        count += check_list(span, slot->free, seen);
    CHECK(cache_current_handed_out(cache, span->size_class) == span_carved_slots(span) - count);
    return count;
}

static void check_span(struct span *span, void *context) {
    struct walk *walk = context;
    walk->result.spans++;
    walk->pages += span->pages;
    CHECK(span->base % HEAP_PAGE_SIZE == 0);
    CHECK(arena_map_span((void *)span->base) == span);
    if (span->state == SPAN_LARGE) {
        CHECK(span->size_class == 0 && span->slot_size == (size_t)span->pages << HEAP_PAGE_SHIFT);
        walk->result.live_objects++;
        return;
    }
    CHECK(span->slot_size == size_classes[span->size_class].size);
    CHECK(span->slots == ((size_t)span->pages << HEAP_PAGE_SHIFT) / span->slot_size);
    CHECK(arena_map_span((void *)(span_limit(span) - 1)) == span);
    uint32_t carved = span_carved_slots(span);
    CHECK(carved <= span->slots);
    uint32_t free = check_free_lists(span), handed_out = carved - free;
    CHECK(span_count_sampled(span) <= atomic_load_relaxed(&span->sampled));
    CHECK(span_count_sampled(span) <= handed_out);
    if (span_count_sampled(span))
        CHECK(atomic_load_relaxed(&span->owner) & SPAN_SAMPLED);
    if (span->state == SPAN_FULL && free > 0)
        CHECK(span->countdown + free == span->patience);
    if (span->state == SPAN_FULL)
        CHECK(carved == span->slots);
    if (span->state == SPAN_PARTIAL)
        CHECK(span->countdown == handed_out || (handed_out == 0 && span->countdown == SPAN_NO_COUNT));
    walk->result.live_objects += handed_out;
}

struct validate_result validate_heap(void) {
    struct walk walk = {0};
    struct page_heap_stats stats;
    page_heap_each_span(check_span, &walk);
    page_heap_read_stats(&stats);
    CHECK(walk.pages << HEAP_PAGE_SHIFT == stats.inuse_bytes);
    CHECK(page_heap_validate());
    return walk.result;
}
