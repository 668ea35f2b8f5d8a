/* Refill, in steps, when the class's list is empty:
 *   1. Take what this thread freed of the current span (cache_take_freed: callers of cache_refill have tried it).
 *   2. Take what other threads returned; some of it may belong to the current span.
 *   3. Carve slots that were never used from the current span.
 *   4. The span is full: put it aside. Some frees bring it back.
 *   5. Make current the first of: a partial span of this cache, one that nobody owns, a new one of the page heap.
 *
 * The life of a span in a cache, with what its countdown means:
 *
 *   CURRENT (nothing) --no slot left--> FULL (patience) --some frees--> PARTIAL (handed out) --last free--> page heap
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

enum {
    SPAN_PAGES_MOST = 4,
    GROWING_SLOT_MOST = 512,
    EMPTY_BYTES_MOST = 256 * 1024,
    EMPTY_MOST = 64,
    SPARE_KEPT = 4,
    REFILLS_BETWEEN_SENDS = 32,
    PREFETCH_AHEAD = 8
};

const uintptr_t cache_no_object;

#define NO_OBJECT ((void *)(uintptr_t)&cache_no_object)
#define NONE_SLOT                                                                                                      \
    { .free = NO_OBJECT }
struct cache cache_none = {.slots = {[0 ... SIZE_CLASS_COUNT - 1] = NONE_SLOT}};

void cache_init(struct cache *cache) {
    for (unsigned i = 0; i < SIZE_CLASS_COUNT; i++) {
        cache->slots[i].free = NO_OBJECT;
        cache->draw_generation[i] = 0;
        cache->slots[i].growth = 0;
        cache->slots[i].empty = (struct cache_empty){0};
    }
}

uint64_t cache_mallocs(const struct cache *cache, unsigned size_class) {
    const struct class_slot *slot = &cache->slots[size_class];
    for (;;) {
        uint32_t version = atomic_load_acquire(&cache->version);
        uint64_t due = owner_count_read(&slot->due), next = atomic_load_relaxed(&slot->next_sample);
        atomic_fence_acquire();
        if (LIKELY(version % 2 == 0 && atomic_load_relaxed(&cache->version) == version))
            return due + next -
                   (due == 0 && next != 0); /* the due one counts when it is drawn anew: it goes back once */
        cpu_relax();
    }
}

struct cache_totals cache_read_totals(const struct cache *cache) {
    struct cache_totals totals = {.alloc_bytes = owner_count_read(&cache->large_alloc_bytes),
                                  .free_bytes = owner_count_read(&cache->large_free_bytes)};
    for (unsigned i = 0; i < SIZE_CLASS_COUNT; i++) {
        uint64_t mallocs = cache_mallocs(cache, i), frees = owner_count_read(&cache->slots[i].frees);
        totals.mallocs += mallocs;
        totals.frees += frees;
        totals.alloc_bytes += mallocs * size_classes[i].size;
        totals.free_bytes += frees * size_classes[i].size;
    }
    return totals;
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

uint32_t cache_current_handed_out(const struct cache *cache, unsigned size_class) {
    const struct class_slot *slot = &cache->slots[size_class];
    uint32_t frees = SPAN_NO_COUNT - slot->current->countdown;
    return slot->began + (uint32_t)cache_mallocs(cache, size_class) - frees;
}

static void make_current(struct cache *cache, unsigned size_class, struct span *span) {
    cache->slots[size_class].began = span_handed_out(span) - (uint32_t)cache_mallocs(cache, size_class);
    span->state = SPAN_CURRENT;
    span->countdown = SPAN_NO_COUNT;
    cache->slots[size_class].current = span;
    cache->slots[size_class].base = span->base;
}

/* A thread's first span of a class is the smallest, so a thread that makes ten objects costs a page. Of small slots
 * each one after doubles, so a thread that makes millions comes here seldom. Spans of larger slots do not grow: the
 * fewer objects a span has, the sooner it is empty and its pages serve another class: 2 to 8% less resident memory in
 * the same time. */
static uint32_t pages_of_next_span(const struct cache *cache, unsigned size_class) {
    uint32_t pages = size_classes[size_class].pages;
    if (size_classes[size_class].size > GROWING_SLOT_MOST)
        return pages;
    for (unsigned i = 0; i < cache->slots[size_class].growth && pages * 2 <= SPAN_PAGES_MOST; i++)
        pages *= 2;
    return pages;
}

/* A class that needs a span after it has given one up keeps one more the next time. So a program that swings between
 * many objects of a class and none does not visit the page heap at every turn, and one that does not swing keeps
 * nothing that it does not use. */
static void keep_more_empty(struct cache_empty *empty) {
    if (empty->gave_up && empty->most < EMPTY_MOST)
        empty->most++;
    empty->gave_up = false;
}

/* The span, which the cache lists as partial, has no object any more. True when it stays. */
static bool keep_empty(struct cache *cache, const struct span *span) {
    struct cache_empty *empty = &cache->slots[span->size_class].empty;
    uint32_t bytes = span->pages << HEAP_PAGE_SHIFT;
    empty->gave_up = empty->count >= empty->most || cache->empty_bytes + bytes > EMPTY_BYTES_MOST;
    if (empty->gave_up)
        return false;
    empty->count++;
    cache->empty_bytes += bytes;
    return true;
}

static bool is_empty(const struct span *span) { return span->countdown == SPAN_NO_COUNT; }

static struct span *new_span(struct cache *cache, unsigned size_class) {
    uint32_t pages = pages_of_next_span(cache, size_class);
    bool zeroed;
    struct span *span = page_heap_alloc(pages, size_class, 1, &zeroed);
    if (!span && pages > size_classes[size_class].pages)
        span = page_heap_alloc(size_classes[size_class].pages, size_class, 1, &zeroed);
    if (!span)
        return NULL;
    if (cache->slots[size_class].growth < SPAN_PAGES_MOST)
        cache->slots[size_class].growth++;
    keep_more_empty(&cache->slots[size_class].empty);
    atomic_store_relaxed(&span->owner, (uintptr_t)cache);
    return span;
}

void *cache_pop(struct class_slot *slot) {
    void *object = slot->free, *next = span_link_load(object);
    if (UNLIKELY(!span_link_is_good(slot->current, next)))
        log_fatal("free object %p of %zu bytes was written to: its link is broken", object, slot->current->slot_size);
    cache_pop_known(slot, object, next);
    if (!next) {
        slot->free = NO_OBJECT;
        cache_take_freed(slot);
    }
    return object;
}

/* A full span is used again only after some frees: up to a 16th of its slots, once there are many full spans. Else a
 * heap whose objects are replaced at random would find one free slot in each span that it turns to, and come here for
 * every object. What waits so is 6% of the memory at most, and 3% as a rule. */
static uint8_t patience_of(const struct cache *cache, const struct span *span) {
    uint32_t by_slots = span->slots / 16, by_spans = cache->full[span->size_class].count / 4;
    uint32_t patience = 1 + (by_slots < by_spans ? by_slots : by_spans);
    return patience < UINT8_MAX ? (uint8_t)patience : UINT8_MAX;
}

static void put_aside(struct cache *cache, unsigned size_class) {
    struct span *span = cache->slots[size_class].current;
    if (!span)
        return;
    DCHECK(!span_has_free(span) && atomic_load_relaxed(&span->carved) == span->slots_bytes);
    span->state = SPAN_FULL;
    span->patience = patience_of(cache, span);
    span->countdown = span->patience;
    span_list_push(&cache->full[size_class], span);
    cache->slots[size_class].current = NULL;
}

static struct span *next_span(struct cache *cache, unsigned size_class) {
    struct span *span = cache->partial[size_class].first;
    if (span) {
        span_list_remove(&cache->partial[size_class], span);
        if (is_empty(span)) {
            cache->slots[size_class].empty.count--;
            cache->empty_bytes -= span->pages << HEAP_PAGE_SHIFT;
        }
        return span;
    }
    span = central_take(size_class, (uintptr_t)cache);
    return span ? span : new_span(cache, size_class);
}

bool cache_reuse(struct cache *cache, unsigned size_class) {
    struct class_slot *slot = &cache->slots[size_class];
    if (cache_take_freed(slot))
        return true;
    if (!slot->current || remote_waits(&cache->remote) || !span_carve(slot->current))
        return false;
    return cache_take_freed(slot);
}

bool cache_refill(struct cache *cache, unsigned size_class) {
    struct class_slot *slot = &cache->slots[size_class];
    cache_drain_remote(cache);
    if (++cache->refills % REFILLS_BETWEEN_SENDS == 0)
        cache_send_pending(cache);
    if (cache_take_freed(slot))
        return true;
    if (!slot->current || !span_carve(slot->current)) {
        put_aside(cache, size_class);
        struct span *span = next_span(cache, size_class);
        if (!span)
            return false;
        make_current(cache, size_class, span);
        if (!span_has_free(span))
            span_carve(span);
    }
    return cache_take_freed(slot);
}

void cache_span_drained(struct cache *cache, struct span *span) {
    unsigned size_class = span->size_class;
    struct span_list *partial = &cache->partial[size_class];
    if (span->state == SPAN_CURRENT) {
        span->countdown = SPAN_NO_COUNT;
        cache->slots[size_class].began -= SPAN_NO_COUNT;
        return;
    }
    if (span->state == SPAN_FULL) {
        span_list_remove(&cache->full[size_class], span);
        span->state = SPAN_PARTIAL;
        span_list_push(partial, span);
        span->countdown = span->slots - span->patience;
        if (span->countdown)
            return;
    }
    span->countdown = SPAN_NO_COUNT;
    if (!keep_empty(cache, span)) {
        span_list_remove(partial, span);
        page_heap_free(span);
    }
}

/* After a push: empties the list if no thread will. */
static void reap_if_idle(struct cache *owner) {
    atomic_fence_seq_cst();
    if (UNLIKELY(atomic_load_relaxed(&owner->state) != CACHE_ATTACHED))
        cache_reap(owner);
}

static void send(struct remote_pending *pending) {
    struct cache *owner = pending->owner;
    struct remote_batch *batch = pending->batch;
    *pending = (struct remote_pending){NULL, NULL, 0};
    if (!batch)
        return;
    remote_push_batch(&owner->remote, batch);
    reap_if_idle(owner);
}

RACY_READS bool cache_pending_holds(const struct cache *cache, const void *object) {
    for (int p = 0; p < CACHE_PENDING; p++) {
        const struct remote_batch *batch = cache->pending[p].batch;
        for (uint64_t i = 0; batch && i < batch->count && i < REMOTE_BATCH_OBJECTS; i++)
            if (batch->objects[i] == object)
                return true;
    }
    return false;
}

bool cache_list_holds(const struct cache *cache, const struct span *span, const void *object) {
    return arena_map_list_holds(cache->slots[span->size_class].free, object, span->slots);
}

void cache_send_pending(struct cache *cache) {
    for (int i = 0; i < CACHE_PENDING; i++)
        send(&cache->pending[i]);
}

static struct remote_batch *take_spare(struct cache *cache) {
    struct remote_batch *batch = cache->spare;
    if (!batch)
        return remote_batch_create();
    cache->spare = batch->next;
    cache->spare_count--;
    batch->count = 0;
    return batch;
}

static void keep_spare(struct cache *cache, struct remote_batch *batch) {
    if (!cache || cache->spare_count == SPARE_KEPT) {
        remote_batch_destroy(batch);
        return;
    }
    batch->next = cache->spare;
    cache->spare = batch;
    cache->spare_count++;
}

/* Collects an object for its owner. False without memory. */
static bool collect(struct cache *self, struct cache *owner, const struct span *span, void *object) {
    struct remote_pending *pending = cache_pending(self, owner);
    if (UNLIKELY(pending->owner != owner)) {
        send(pending);
        struct remote_batch *batch = take_spare(self);
        if (!batch)
            return false;
        *pending = (struct remote_pending){owner, batch, 0};
    }
    cache_add_pending(pending, span, object);
    if (cache_pending_full(pending))
        send(pending);
    return true;
}

static void push_remote(struct cache *self, struct cache *owner, const struct span *span, void *object) {
    if (self && collect(self, owner, span, object))
        return;
    remote_push(&owner->remote, object);
    reap_if_idle(owner);
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
            if (UNLIKELY(cache_put(span, object, span_link_key)))
                cache_span_drained(self, span);
            return;
        } else {
            struct cache *other = (struct cache *)owner;
            if (atomic_load_acquire(&other->state) != CACHE_LOST) {
                push_remote(self, other, span, object);
                return;
            }
            central_seize(span, owner);
        }
    }
}

/* What other threads freed is in their processors' caches, and each of it will be written to. */
static void prefetch_object(const struct remote_batch *batch, uint64_t i) {
    if (i < batch->count)
        __builtin_prefetch(batch->objects[i], 1);
}

static void route_batch(struct cache *self, const struct remote_batch *batch) {
    for (uint64_t i = 0; i < PREFETCH_AHEAD; i++)
        prefetch_object(batch, i);
    for (uint64_t i = 0; i < batch->count; i++) {
        void *object = batch->objects[i];
        struct span *span = arena_map_span(object);
        prefetch_object(batch, i + PREFETCH_AHEAD);
        if (LIKELY(self && atomic_is(&span->owner, (uintptr_t)self))) {
            if (UNLIKELY(cache_put(span, object, span_link_key)))
                cache_span_drained(self, span);
        } else {
            cache_route_free(self, span, object);
        }
    }
}

static void route_all(struct cache *self, struct remote_list *list) {
    for (void *object = remote_take_objects(list), *next; object; object = next) {
        next = remote_next(object);
        cache_route_free(self, arena_map_span(object), object);
    }
    for (struct remote_batch *batch = remote_take_batches(list), *next; batch; batch = next) {
        next = batch->next;
        route_batch(self, batch);
        keep_spare(self, batch);
    }
}

void cache_drain_remote(struct cache *cache) { route_all(cache, &cache->remote); }

void cache_reap(struct cache *cache) { route_all(NULL, &cache->remote); }

static void give_up_list(struct span_list *list) {
    while (list->first) {
        struct span *span = list->first;
        span_list_remove(list, span);
        central_give(span, span_handed_out(span));
    }
}

static void append(void *list, void *tail) {
    void *next;
    while ((next = span_link_load(list)))
        list = next;
    span_link_store(list, tail);
}

/* With what the cache has not handed out. A second list takes it: to append it to the first would mean to walk it. */
static void give_up_current(struct cache *cache, unsigned size_class) {
    struct class_slot *slot = &cache->slots[size_class];
    struct span *span = slot->current;
    uint32_t handed_out = cache_current_handed_out(cache, size_class);
    atomic_store_relaxed(&slot->bytes, (size_t)0);
    if (cache_has_free(slot)) {
        if (UNLIKELY(span->more != NULL))
            append(slot->free, span->more);
        span->more = slot->free;
    }
    slot->free = NO_OBJECT;
    slot->current = NULL;
    DCHECK(handed_out == span_carved_slots(span) - span_count_free(span));
    central_give(span, handed_out);
}

void cache_give_up_spans(struct cache *cache) {
    for (unsigned i = 1; i < SIZE_CLASS_COUNT; i++) {
        if (cache->slots[i].current)
            give_up_current(cache, i);
        give_up_list(&cache->partial[i]);
        give_up_list(&cache->full[i]);
    }
    cache->empty_bytes = 0;
}
