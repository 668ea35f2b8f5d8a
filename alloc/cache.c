/* Refill, in steps, when the current span has no free slot:
 *   1. Take what other threads returned; some of it may belong to the current span.
 *   2. Carve slots that were never used from the current span.
 *   3. The span is full: put it aside. Its next free brings it back.
 *   4. Make current the first of: a partial span of this cache, one that nobody owns, a new one of the page heap.
 *
 * The life of a span in a cache, with what its countdown means:
 *
 *   CURRENT (nothing) --no slot left--> FULL (1) --first free--> PARTIAL (handed out) --last free--> page heap
 *       ^                                                            |
 *       +----------------------- chosen by refill -------------------+
 *
 * A remote free finds the owner in the span, pushes to its cache's list and only then looks whether that cache has a
 * thread. A thread that ends marks its cache idle and only then takes the list for the last time. Both orders are
 * sequentially consistent, so one of the two sees the object: none is stranded.
 *
 * Locks: none of its own; central and page heap inside. May run inside malloc. */
#include "alloc/cache.h"

#include <string.h>

#include "base/check.h"
#include "base/log.h"

enum { SPAN_PAGES_MOST = 8, EMPTY_KEPT = 1 };

struct span cache_no_span;

#define NONE_SLOT                                                                                                      \
    { .span = &cache_no_span }
struct cache cache_none = {.slots = {[0 ... SIZE_CLASS_COUNT - 1] = NONE_SLOT}};

void cache_init(struct cache *cache) {
    for (unsigned i = 0; i < SIZE_CLASS_COUNT; i++) {
        cache->current[i] = &cache_no_span;
        cache->draw_generation[i] = 0;
        cache->growth[i] = 0;
        cache_disarm(cache, i);
    }
}

uint64_t cache_mallocs(const struct cache *cache, unsigned size_class) {
    const struct class_slot *slot = &cache->slots[size_class];
    for (;;) {
        uint32_t version = atomic_load_acquire(&cache->version);
        uint64_t count = owner_count_read(&slot->due) + atomic_load_relaxed(&slot->next_sample);
        atomic_fence_acquire();
        if (LIKELY(version % 2 == 0 && atomic_load_relaxed(&cache->version) == version))
            return count;
        cpu_relax();
    }
}

void cache_set_due(struct cache *cache, unsigned size_class, uint64_t count) {
    struct class_slot *slot = &cache->slots[size_class];
    uint64_t mallocs = owner_count_read(&slot->due) + atomic_load_relaxed(&slot->next_sample);
    uint64_t next = count > UINT64_MAX - mallocs ? UINT64_MAX : mallocs + count;
    uint32_t version = atomic_load_relaxed(&cache->version);
    atomic_store_relaxed(&cache->version, version + 1);
    atomic_fence_release();
    atomic_store_relaxed(&slot->next_sample, next);
    owner_count_set(&slot->due, mallocs - next);
    atomic_store_release(&cache->version, version + 2);
}

static void make_current(struct cache *cache, unsigned size_class, struct span *span) {
    span->state = SPAN_CURRENT;
    span->countdown = SPAN_NO_COUNT;
    cache->current[size_class] = span;
}

/* A thread's first span of a class is the smallest, so a thread that makes ten objects costs a page; each one after
 * doubles, so a thread that makes millions comes here seldom. */
static struct span *new_span(struct cache *cache, unsigned size_class) {
    uint32_t pages = size_classes[size_class].pages;
    for (unsigned i = 0; i < cache->growth[size_class] && pages * 2 <= SPAN_PAGES_MOST; i++)
        pages *= 2;
    bool zeroed;
    struct span *span = page_heap_alloc(pages, size_class, 1, &zeroed);
    if (!span && pages > size_classes[size_class].pages)
        span = page_heap_alloc(size_classes[size_class].pages, size_class, 1, &zeroed);
    if (!span)
        return NULL;
    if (cache->growth[size_class] < SPAN_PAGES_MOST)
        cache->growth[size_class]++;
    atomic_store_relaxed(&span->owner, (uintptr_t)cache);
    return span;
}

void *cache_pop(struct span *span) {
    void *object = span->free, *next = span_link_load(object);
    if (UNLIKELY(!span_link_is_good(span, next)))
        log_fatal("free object %p of %zu bytes was written to: its link is broken", object, span->slot_size);
    return cache_pop_known(span, object, next);
}

static void put_aside(struct cache *cache, unsigned size_class, struct span *span) {
    if (span == &cache_no_span)
        return;
    DCHECK(span->free == NULL && atomic_load_relaxed(&span->carved) == span->slots);
    span->state = SPAN_FULL;
    span->countdown = 1;
    span_list_push(&cache->full[size_class], span);
    cache->current[size_class] = &cache_no_span;
}

bool cache_refill(struct cache *cache, unsigned size_class) {
    cache_drain_remote(cache);
    struct span *span = cache->current[size_class];
    if (span->free || span_carve(span))
        return true;
    put_aside(cache, size_class, span);
    span = cache->partial[size_class].first;
    if (span)
        span_list_remove(&cache->partial[size_class], span);
    else
        span = central_take(size_class, (uintptr_t)cache);
    if (!span)
        span = new_span(cache, size_class);
    if (!span)
        return false;
    make_current(cache, size_class, span);
    return span->free || span_carve(span);
}

void cache_span_drained(struct cache *cache, struct span *span) {
    unsigned size_class = span->size_class;
    struct span_list *partial = &cache->partial[size_class];
    if (span->state == SPAN_CURRENT) {
        span->countdown = SPAN_NO_COUNT;
        return;
    }
    if (span->state == SPAN_FULL) {
        span_list_remove(&cache->full[size_class], span);
        span->state = SPAN_PARTIAL;
        span_list_push(partial, span);
        span->countdown = span->slots - 1;
        if (span->countdown)
            return;
    }
    /* Empty. One is kept, so that a program at the edge of a span does not visit the page heap at every step. */
    span->countdown = SPAN_NO_COUNT;
    if (partial->count > EMPTY_KEPT) {
        span_list_remove(partial, span);
        page_heap_free(span);
    }
}

/* Hands an object to another cache's list, and empties that list if no thread will. */
static void push_remote(struct cache *owner, void *object) {
    remote_push(&owner->remote, object);
    atomic_fence_seq_cst();
    if (UNLIKELY(atomic_load_relaxed(&owner->state) != CACHE_ATTACHED))
        cache_reap(owner);
}

void cache_route_free(struct cache *self, struct span *span, void *object) {
    for (;;) {
        uintptr_t tag = atomic_load_acquire(&span->owner);
        uintptr_t owner = tag & ~SPAN_SAMPLED;
        if (owner == SPAN_CENTRAL) {
            if (central_free(span, object))
                return;
        } else if (owner == (uintptr_t)self) {
            if (tag != owner && atomic_load_relaxed(&span->sampled) == 0)
                atomic_store_relaxed(&span->owner, owner);
            if (UNLIKELY(cache_put(span, object)))
                cache_span_drained(self, span);
            return;
        } else {
            struct cache *other = (struct cache *)owner;
            if (atomic_load_acquire(&other->state) != CACHE_LOST) {
                push_remote(other, object);
                return;
            }
            central_seize(span, owner);
        }
    }
}

static void route_all(struct cache *self, void *object) {
    while (object) {
        void *next = remote_next(object);
        cache_route_free(self, arena_map_span(object), object);
        object = next;
    }
}

void cache_drain_remote(struct cache *cache) { route_all(cache, remote_take_all(&cache->remote)); }

void cache_reap(struct cache *cache) { route_all(NULL, remote_take_all(&cache->remote)); }

static void give_up_list(struct span_list *list) {
    while (list->first) {
        struct span *span = list->first;
        span_list_remove(list, span);
        central_give(span);
    }
}

void cache_give_up_spans(struct cache *cache) {
    for (unsigned i = 1; i < SIZE_CLASS_COUNT; i++) {
        struct span *span = cache->current[i];
        cache->current[i] = &cache_no_span;
        cache_disarm(cache, i);
        if (span != &cache_no_span)
            central_give(span);
        give_up_list(&cache->partial[i]);
        give_up_list(&cache->full[i]);
    }
}
