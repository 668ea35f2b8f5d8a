/* Sums of the per-thread counters and of what the rooms below say of themselves. No thread is stopped: each counter is
 * read once, frees before mallocs, so a difference is never negative; the moment of the whole is smeared over the walk.
 *
 * Locks: the page heap's for its own numbers. May run inside malloc. */
#include "alloc/memstats.h"

#include <string.h>

#include "alloc/thread.h"
#include "base/check.h"

struct sums {
    uint64_t mallocs[SIZE_CLASS_COUNT], frees[SIZE_CLASS_COUNT];
    uint64_t large_alloc_bytes, large_free_bytes;
};

static void add_frees(struct cache *cache, void *context) {
    struct sums *sums = context;
    for (unsigned i = 0; i < SIZE_CLASS_COUNT; i++)
        sums->frees[i] += owner_count_read(&cache->slots[i].frees);
    sums->large_free_bytes += owner_count_read(&cache->large_free_bytes);
}

static void add_mallocs(struct cache *cache, void *context) {
    struct sums *sums = context;
    for (unsigned i = 0; i < SIZE_CLASS_COUNT; i++)
        sums->mallocs[i] += cache_mallocs(cache, i);
    sums->large_alloc_bytes += owner_count_read(&cache->large_alloc_bytes);
}

static void sum_objects(const struct sums *sums, struct heaptap_memstats *out) {
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

static_assert(SIZE_CLASS_COUNT <= HEAPTAP_SIZE_CLASSES, "by_size holds every class");

void memstats_read(struct heaptap_memstats *out) {
    struct sums sums = {0};
    memset(out, 0, sizeof *out);
    for (unsigned i = 0; i < SIZE_CLASS_COUNT; i++)
        sums.frees[i] = thread_uncached_frees(i, &sums.large_free_bytes);
    thread_each_cache(add_frees, &sums);
    atomic_fence_acquire();
    thread_each_cache(add_mallocs, &sums);
    sum_objects(&sums, out);

    struct page_heap_stats pages;
    page_heap_read_stats(&pages);
    out->heap_inuse = pages.inuse_bytes;
    out->heap_released = pages.released_bytes;
    out->heap_idle = pages.free_bytes + pages.released_bytes;
    out->heap_sys = out->heap_inuse + out->heap_idle;
    span_memory(&out->mspan_inuse, &out->mspan_sys);
    thread_memory(&out->mcache_inuse, &out->mcache_sys);
    out->other_sys = pages.metadata_bytes;
    out->sys = out->heap_sys + out->mspan_sys + out->mcache_sys + out->other_sys;
}

void memstats_read_thread(struct heaptap_counters *out) {
    static const struct thread_baseline zero;
    const struct thread_baseline *base = thread_baseline() ? thread_baseline() : &zero;
    const struct cache *cache = thread_cache;
    *out = (struct heaptap_counters){0};
    for (unsigned i = 0; i < SIZE_CLASS_COUNT; i++) {
        uint64_t mallocs = cache_mallocs(cache, i) - base->mallocs[i];
        uint64_t frees = owner_count_read(&cache->slots[i].frees) - base->frees[i];
        out->mallocs += mallocs;
        out->frees += frees;
        out->alloc_bytes += mallocs * size_classes[i].size;
        out->free_bytes += frees * size_classes[i].size;
    }
    out->alloc_bytes += owner_count_read(&cache->large_alloc_bytes) - base->large_alloc_bytes;
    out->free_bytes += owner_count_read(&cache->large_free_bytes) - base->large_free_bytes;
}
