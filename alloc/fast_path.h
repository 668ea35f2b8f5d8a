/* The fast paths of malloc and free, for the functions that are made of them: heap_malloc and heap_free, and the names
 * that override.c exports, which so need no jump to get here. What each step is for, stands in malloc.c.
 *
 * tests/golden/fast_path.txt holds the count of what they execute. */
#ifndef HEAPTAP_ALLOC_FAST_PATH_H
#define HEAPTAP_ALLOC_FAST_PATH_H

#include "alloc/thread.h"
#include "base/bits.h"
#include "base/check.h"

/* The rest of malloc: `due` of an allocation that was counted and is the one to be sampled. The class is that of size;
 * 0 for a large object. */
void *malloc_slow(size_t size, unsigned size_class);
void *malloc_due(size_t size, unsigned size_class);

/* The rest of free: of any pointer whose object was not freed yet, and of one that was, whose span has become empty.
 * `caller` is the program's return address (scavenger.h). */
void free_slow(void *p, const void *caller);
void free_drained(struct cache *cache, struct span *span, const void *caller);
/* The rest of a free whose object is a slot in use, as it seems, of a span that is not purely this cache's. */
void free_foreign(struct cache *cache, struct span *span, void *p, const void *caller);

enum fast_malloc { FAST_MALLOC_DONE, FAST_MALLOC_DUE, FAST_MALLOC_SLOW };
enum fast_free { FAST_FREE_DONE, FAST_FREE_DRAINED, FAST_FREE_FOREIGN, FAST_FREE_SLOW };

static inline __attribute__((always_inline)) unsigned fast_size_class(size_t size) {
    if (LIKELY(size <= SIZE_CLASS_SMALL_MAX))
        return size_class_of_small(size);
    return LIKELY(size <= SIZE_CLASS_MAX) ? size_class_of(size) : 0;
}

/* Class 0 has never a list: it is slow. */
static inline __attribute__((always_inline)) enum fast_malloc fast_malloc(unsigned size_class, void **out) {
    struct class_slot *slot = &thread_fast_cache->slots[size_class];
    __asm__("" : "+r"(slot)); /* one address for all that follows, instead of one for each field */
    void *object = slot->free, *next = span_link_load(object);
    if (UNLIKELY(!atomic_is_above(&slot->bytes, (uintptr_t)next - slot->base)))
        return FAST_MALLOC_SLOW;
    if (UNLIKELY(owner_count_step(&slot->due)))
        return FAST_MALLOC_DUE;
    *out = cache_pop_known(slot, object, next);
    return FAST_MALLOC_DONE;
}

static inline __attribute__((always_inline)) void *fast_malloc_or_slow(size_t size, unsigned size_class) {
    void *object;
    switch (fast_malloc(size_class, &object)) {
    case FAST_MALLOC_DONE:
        return object;
    case FAST_MALLOC_DUE:
        return malloc_due(size, size_class);
    default:
        return malloc_slow(size, size_class);
    }
}

/* Takes back the count that FAST_MALLOC_DUE speaks of: the next allocation of the class will be due. */
static inline void fast_undo_due(unsigned size_class) {
    owner_count_add(&thread_fast_cache->slots[size_class].due, -(uint64_t)1);
}

/* As fast_malloc, for an alignment that is a power of two: done where the size rounded up to it has a class whose slots
 * are so aligned, as it mostly has. The class is then in *size_class. */
static inline __attribute__((always_inline)) enum fast_malloc fast_memalign(size_t align, size_t size,
                                                                            unsigned *size_class, void **out) {
    if (UNLIKELY(size > SIZE_CLASS_MAX || align > HEAP_PAGE_SIZE))
        return FAST_MALLOC_SLOW;
    *size_class = size_class_of(align_up(size + !size, align));
    if (UNLIKELY(size_classes[*size_class].size & (align - 1)))
        return FAST_MALLOC_SLOW;
    return fast_malloc(*size_class, out);
}

/* Whether an object in a span that is not purely this cache's is another's, or sampled. */
static inline bool fast_is_foreign_or_sampled(const struct span *span, const struct cache *cache, const void *p) {
    if (!atomic_is(&span->owner, (uintptr_t)cache | SPAN_SAMPLED))
        return true;
    return span_may_be_sampled(span, size_class_index_known((uint32_t)((uintptr_t)p - span->base), span->inverse));
}

static inline __attribute__((always_inline)) enum fast_free fast_free(void *p, struct cache *cache, struct span **out) {
    struct span *span = *out = arena_map_near_span(p);
    uintptr_t key = span_link_key;
    __asm__("" : "+r"(key)); /* loaded once, for a comparison of its lead and for the link */
    if (UNLIKELY(!span || !span_is_slot_start(span, p)))
        return FAST_FREE_SLOW;
    if (UNLIKELY(!atomic_is(&span->owner, (uintptr_t)cache) && fast_is_foreign_or_sampled(span, cache, p)))
        return FAST_FREE_FOREIGN;
    if (UNLIKELY(span_slot_looks_free_keyed(p, key))) /* last: valgrind may know that nothing was written there */
        return FAST_FREE_SLOW;
    owner_count_step(&cache->slots[span->size_class].frees);
    return UNLIKELY(cache_put(span, p, key)) ? FAST_FREE_DRAINED : FAST_FREE_DONE;
}

/* Always part of what the program called, whose return address is read only where the fast path has ended. */
static inline __attribute__((always_inline)) void fast_free_or_slow(void *p) {
    struct cache *cache = thread_fast_cache;
    struct span *span;
    switch (fast_free(p, cache, &span)) {
    case FAST_FREE_DONE:
        return;
    case FAST_FREE_DRAINED:
        free_drained(cache, span, __builtin_return_address(0));
        return;
    case FAST_FREE_FOREIGN:
        free_foreign(cache, span, p, __builtin_return_address(0));
        return;
    default:
        free_slow(p, __builtin_return_address(0));
        return;
    }
}

#endif
