/* A view of the whole, in steps, while every thread goes on:
 *   1. Sum the counters of all caches, class by class. Of one cache the allocations are read between two equal readings
 *      of the frees, so what a thread makes and frees itself never shows by half.
 *   2. Under the page heap's lock, which is held for a copy: pages by kind, and for each class the slots of its spans.
 *      This is the moment t of the view; all of it was read from things that only change under that lock.
 *   3. Fit the counters to t. Caches were read one after another, so a sum may lack the allocations of objects whose
 *      frees it has, or the frees of slots that came back and were handed out again.
 *          mallocs = max(mallocs, frees)
 *          frees   = max(frees, mallocs - slots)
 *      Both hold at t, and counters only grow, so a counter that is raised in this way is raised to no more than it was
 *      at t. Hence every counter of the view is one of those that it had between 1. and t, none falls from one view to
 *      the next, and live objects never take more room than their spans have:
 *          heap_alloc <= sum(slots * size) <= heap_inuse
 *   4. Visit the spans, for what only they know: how many have a single object, what lies in spans without a thread,
 *      what was not touched yet. It is fitted to the rest: a part is never more than the whole.
 *
 * In 3. a span's slots and pages stand from before anybody can have one until the free of the last was counted
 * (page_heap.c, and resize_large in malloc.c).
 *
 * Locks: the page heap's for 2., and in 4. for a chunk at a time. May run inside malloc. */
#include "alloc/memstats.h"

#include <stddef.h>
#include <string.h>

#include "alloc/thread.h"
#include "base/bits.h"
#include "base/check.h"
#include "base/os.h"

enum { PAIR_TRIES = 16 };

static_assert(SIZE_CLASS_COUNT <= HEAPTAP_SIZE_CLASSES, "by_size holds every class");
/* What programs were compiled against. */
static_assert(sizeof(struct heaptap_memstats_class) == 48, "does not change");
static_assert(offsetof(struct heaptap_memstats, by_size) == 424 && sizeof(struct heaptap_memstats) == 424 + 96 * 48,
              "does not change: new fields take the place of reserved ones");

/* ---- 1. counters ---- */

struct sums {
    uint64_t mallocs[SIZE_CLASS_COUNT], frees[SIZE_CLASS_COUNT];
    uint64_t large_alloc_bytes, large_free_bytes;
};

/* Both of one moment; of a thread that never rests, frees of an earlier one. */
static void add_slot(struct sums *sums, const struct cache *cache, unsigned size_class) {
    const struct owner_count *frees = &cache->slots[size_class].frees;
    uint64_t before, mallocs, after = owner_count_read(frees);
    int tries = 0;
    do {
        before = after;
        atomic_fence_acquire();
        mallocs = cache_mallocs(cache, size_class);
        atomic_fence_acquire();
        after = owner_count_read(frees);
    } while (after != before && ++tries < PAIR_TRIES);
    sums->frees[size_class] += before;
    sums->mallocs[size_class] += mallocs;
}

static void add_cache(struct cache *cache, void *context) {
    struct sums *sums = context;
    sums->large_free_bytes += owner_count_read(&cache->large_free_bytes);
    for (unsigned i = 0; i < SIZE_CLASS_COUNT; i++)
        add_slot(sums, cache, i);
    sums->large_alloc_bytes += owner_count_read(&cache->large_alloc_bytes);
}

static void read_counters(struct sums *sums) {
    memset(sums, 0, sizeof *sums);
    for (unsigned i = 0; i < SIZE_CLASS_COUNT; i++)
        sums->frees[i] = thread_uncached_frees(i, &sums->large_free_bytes);
    atomic_fence_acquire();
    thread_each_cache(add_cache, sums);
}

/* ---- 3. the fit ---- */

static void fit(uint64_t *allocated, uint64_t *freed, uint64_t room) {
    if (*allocated < *freed)
        *allocated = *freed;
    if (*allocated - *freed > room)
        *freed = *allocated - room;
}

static void fit_all(struct sums *sums, const struct page_heap_stats *pages) {
    fit(&sums->mallocs[0], &sums->frees[0], pages->classes[0].spans);
    fit(&sums->large_alloc_bytes, &sums->large_free_bytes, pages->classes[0].pages << HEAP_PAGE_SHIFT);
    for (unsigned i = 1; i < SIZE_CLASS_COUNT; i++)
        fit(&sums->mallocs[i], &sums->frees[i], pages->classes[i].slots);
}

static void fill_objects(const struct sums *sums, struct heaptap_memstats *out) {
    uint64_t live_bytes = sums->large_alloc_bytes - sums->large_free_bytes;
    out->total_alloc = sums->large_alloc_bytes;
    out->mallocs = sums->mallocs[0];
    out->frees = sums->frees[0];
    out->size_class_count = SIZE_CLASS_COUNT;
    for (unsigned i = 1; i < SIZE_CLASS_COUNT; i++) {
        uint64_t size = size_classes[i].size;
        out->by_size[i].size = (uint32_t)size;
        out->by_size[i].mallocs = sums->mallocs[i];
        out->by_size[i].frees = sums->frees[i];
        out->mallocs += sums->mallocs[i];
        out->frees += sums->frees[i];
        out->total_alloc += sums->mallocs[i] * size;
        live_bytes += (sums->mallocs[i] - sums->frees[i]) * size;
    }
    out->alloc = out->heap_alloc = live_bytes;
    out->heap_objects = out->mallocs - out->frees;
}

/* Pages by kind, and what of the spans is no object. A large span that is just being made or freed has pages and no
 * object: cached, for that moment. */
static void fill_pages(const struct page_heap_stats *pages, struct heaptap_memstats *out) {
    out->spans = pages->classes[0].spans;
    for (unsigned i = 1; i < SIZE_CLASS_COUNT; i++) {
        const struct page_heap_class *class = &pages->classes[i];
        out->by_size[i].spans = class->spans;
        out->by_size[i].inuse = class->pages << HEAP_PAGE_SHIFT;
        out->spans += class->spans;
        out->span_tails += out->by_size[i].inuse - class->slots * size_classes[i].size;
    }
    out->heap_inuse = pages->inuse_bytes;
    out->heap_released = pages->released_bytes;
    out->heap_idle = pages->free_bytes + pages->released_bytes;
    out->heap_sys = out->heap_inuse + out->heap_idle;
    out->largest_free_run = pages->largest_free_run_bytes;
    out->cached_free = out->heap_inuse - out->heap_alloc - out->span_tails;
}

static void fill_metadata(const struct page_heap_stats *pages, struct heaptap_memstats *out) {
    span_memory(&out->mspan_inuse, &out->mspan_sys);
    thread_memory(&out->mcache_inuse, &out->mcache_sys);
    out->other_sys = pages->metadata_bytes;
    out->metadata = out->mspan_sys + out->mcache_sys + out->other_sys;
    out->sys = out->heap_sys + out->metadata;
}

/* ---- 4. spans ---- */

struct visit {
    uint64_t central_slots[SIZE_CLASS_COUNT], single[SIZE_CLASS_COUNT];
    uint64_t untouched;
    uint64_t page; /* the kernel's */
};

/* Pages behind the last slot that was ever on the free list, of a span whose pages the kernel has just given. */
static RACY_READS uint64_t untouched_of(const struct span *span, uint64_t page) {
    uintptr_t base = span->base, limit = base + ((uintptr_t)span->pages << HEAP_PAGE_SHIFT);
    uintptr_t from = align_up(base + atomic_load_relaxed(&span->carved), page);
    return span->zeroed && from < limit ? limit - from : 0;
}

/* Slots that are handed out or on their way back. False where only the owner can know, because it allocates from the
 * span. Where a slot was lost in a fork it counts as handed out. */
static RACY_READS bool count_objects(struct span *span, uint32_t *count) {
    uint32_t countdown = span->countdown;
    uint8_t state = span->state;
    if (state == SPAN_CURRENT) {
        if (!thread_owns(span))
            return false;
        *count = cache_current_handed_out(thread_cache, span->size_class);
        return true;
    }
    uint8_t patience = span->patience;
    if (state == SPAN_PARTIAL && countdown == SPAN_NO_COUNT)
        *count = 0; /* kept though empty */
    else if (state == SPAN_FULL && countdown <= patience)
        *count = span->slots - (patience - countdown);
    else
        *count = countdown > span->slots ? span->slots : countdown;
    return true;
}

static RACY_READS void visit_span(struct span *span, void *context) {
    struct visit *visit = context;
    uint32_t objects;
    if (span->size_class == 0)
        return;
    visit->untouched += untouched_of(span, visit->page);
    if (!count_objects(span, &objects))
        return;
    visit->single[span->size_class] += objects == 1;
    if ((atomic_load_relaxed(&span->owner) & ~SPAN_SAMPLED) == SPAN_CENTRAL)
        visit->central_slots[span->size_class] += span->slots - objects;
}

static uint64_t least(uint64_t a, uint64_t b) { return a < b ? a : b; }

static void fill_spans(const struct visit *visit, const struct page_heap_stats *pages, struct heaptap_memstats *out) {
    for (unsigned i = 1; i < SIZE_CLASS_COUNT; i++) {
        struct heaptap_memstats_class *class = &out->by_size[i];
        uint64_t free = pages->classes[i].slots - (class->mallocs - class->frees);
        class->single_object_spans = least(visit->single[i], class->spans);
        out->single_object_spans += class->single_object_spans;
        out->central_free += least(visit->central_slots[i], free) * class->size;
    }
    out->untouched = least(visit->untouched, out->cached_free + out->span_tails);
    out->cached_free -= out->central_free;
}

/* ---- the view ---- */

static void read_totals(struct heaptap_memstats *out, struct page_heap_stats *pages) {
    struct sums sums;
    memset(out, 0, sizeof *out);
    read_counters(&sums);
    page_heap_read_stats(pages);
    fit_all(&sums, pages);
    fill_objects(&sums, out);
    fill_pages(pages, out);
    fill_metadata(pages, out);
}

void memstats_read_totals(struct heaptap_memstats *out) {
    struct page_heap_stats pages;
    read_totals(out, &pages);
}

void memstats_read(struct heaptap_memstats *out) {
    struct visit visit = {.page = os_page_size()};
    struct page_heap_stats pages;
    read_totals(out, &pages);
    page_heap_each_span_in_turn(visit_span, &visit);
    fill_spans(&visit, &pages, out);
}

void memstats_read_thread(struct heaptap_counters *out) {
    struct cache_totals now = cache_read_totals(thread_cache), start = thread_totals_at_start();
    out->mallocs = now.mallocs - start.mallocs;
    out->frees = now.frees - start.frees;
    out->alloc_bytes = now.alloc_bytes - start.alloc_bytes;
    out->free_bytes = now.free_bytes - start.free_bytes;
}
