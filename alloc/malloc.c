/* The path of one malloc(n), n <= 32 KiB:
 *   1. n -> size class, by one table of bytes.
 *   2. this thread's cache -> the class's slot -> first object of its list.
 *   3. The object's link leads into the current span.
 *   4. The count of allocations goes up; while it is below the next sample nothing else happens.
 *   5. What the link leads to becomes the first object.
 * Anything unusual (no cache yet, the last object of the list, a changed rate, a broken link) fails the one test of
 * step 3, and a sample the one of step 4. Both go to the slow path: attach, refill, count, decide, record.
 *
 * The path of one free(p):
 *   1. p -> span, through the arena map: a pointer that is not ours has none.
 *   2. p is the start of a slot, and its first word does not begin like the link of a free one. That the slot was ever
 *      handed out is not looked at here: one that was and is free again begins like a link, and takes the slow path.
 *   3. The span's owner word equals this thread's cache: it is ours, and nothing in it is sampled; or something is, but
 *      not this slot, as its bit tells.
 *   4. Count, link, and the span's countdown tells when it has become empty.
 * NULL, foreign threads' objects, large objects, sampled spans and bad pointers all fail one of these tests.
 *
 * `locate` is the border where a user's pointer becomes a trusted span; its checks stay on in every build.
 *
 * Locks: none here. errno: set as glibc sets it; kept by free. */
#include "alloc/malloc.h"

#include <errno.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>

#include "alloc/fast_path.h"
#include "alloc/guard.h"
#include "alloc/later.h"
#include "alloc/sampling.h"
#include "alloc/scavenger.h"
#include "base/bits.h"
#include "base/check.h"
#include "base/log.h"

#define LARGEST_REQUEST ((size_t)PTRDIFF_MAX)

/* ---- bad pointers ---- */

/* Says what is wrong with a pointer that no live object begins at, and aborts. `call` is "free", "realloc" ... */
static __attribute__((noreturn, cold)) void report_bad_pointer(const char *call, const void *p) {
    struct page_heap_owner owner = page_heap_explain((uintptr_t)p);
    if (!owner.found)
        log_fatal("%s of invalid pointer %p: not from this heap", call, p);
    size_t offset = (uintptr_t)p - owner.base;
    bool starts_object = owner.large ? offset == 0 : offset % owner.slot_size == 0;
    if (!starts_object)
        log_fatal("%s of invalid pointer %p: inside an object of %zu bytes", call, p, owner.slot_size);
    if (owner.freed && strcmp(call, "free") == 0)
        log_fatal("double free of %p (object of %zu bytes)", p, owner.slot_size);
    log_fatal("%s of invalid pointer %p: a freed object of %zu bytes", call, p, owner.slot_size);
}

static __attribute__((noreturn, cold)) void report_double_free(const void *p, size_t slot_size) {
    log_fatal("double free of %p (object of %zu bytes)", p, slot_size);
}

/* The span of a pointer at which an object begins. Aborts on any other. */
static struct span *locate(const char *call, const void *p) {
    struct span *span = arena_map_span(p);
    if (UNLIKELY(!span))
        report_bad_pointer(call, p);
    bool good = span->size_class ? span_is_carved_slot(span, p) : (uintptr_t)p == span->base;
    if (UNLIKELY(!good))
        report_bad_pointer(call, p);
    return span;
}

/* ---- allocation ---- */

static __attribute__((noinline, cold)) void *out_of_memory(void) {
    errno = ENOMEM;
    return NULL;
}

static void *malloc_large(size_t size, size_t align, bool *zeroed);

/* This thread's cache; NULL without one. */
static struct cache *own_cache(void) { return thread_cache == &cache_none ? NULL : thread_cache; }

/* Before memory is refused, freed objects that still rest go back. False when there was none. */
static __attribute__((noinline, cold)) bool end_rests(struct cache *cache) {
    bool any = false;
    for (void *object; guard_on && (object = guard_recall()); any = true)
        cache_route_free(cache, arena_map_span(object), object);
    return any;
}

/* The next object of the cache, not yet counted. NULL without memory. */
static void *take_object(struct cache *cache, unsigned size_class, size_t size, bool refill) {
    struct class_slot *slot = &cache->slots[size_class];
    if (refill && !cache_refill(cache, size_class) && !(end_rests(cache) && cache_refill(cache, size_class)))
        return NULL;
    if (UNLIKELY(guard_on) && refill)
        guard_adopt(cache, size_class);
    void *object = cache_pop(slot);
    if (UNLIKELY(guard_on) && !guard_seal(slot->current, object, size)) {
        span_link_store(object, cache_has_free(slot) ? slot->free : NULL);
        slot->free = object;
        return NULL;
    }
    return object;
}

static __attribute__((noinline)) void *malloc_small_slow(size_t size, unsigned size_class) {
    if (size_classes[size_class].size < size + guard_room()) {
        bool zeroed;
        if (size + GUARD_BYTES > SIZE_CLASS_MAX)
            return malloc_large(size, 1, &zeroed);
        size_class = size_class_of(size + GUARD_BYTES);
    }
    if (UNLIKELY(guard_on))
        guard_tick();
    bool shared;
    struct cache *cache = thread_enter(&shared);
    if (!cache)
        return out_of_memory();
    struct sampling_decision decision = {false, 0};
    struct class_slot *slot = &cache->slots[size_class];
    struct span *span = NULL;
    void *object = NULL;
    bool refilled = !cache_has_free(slot) && !cache_take_freed(slot);
    guard_enter();
    object = take_object(cache, size_class, size, refilled);
    if (object) {
        span = slot->current;
        decision = sampling_count(cache, size_class, span, object);
    }
    sampling_arm(cache, size_class); /* also after a failure: what was current may be put aside */
    if (shared)
        thread_leave_shared();
    if (refilled && object)
        scavenger_poll(NULL);
    sampling_record(decision, span, object, size);
    guard_leave();
    return object ? object : out_of_memory();
}

static uint64_t pages_for(size_t size) { return ((size ? size : 1) + HEAP_PAGE_SIZE - 1) >> HEAP_PAGE_SHIFT; }

static void count_large(bool is_malloc, size_t bytes) {
    bool shared;
    struct cache *cache = thread_enter(&shared);
    if (cache && is_malloc) {
        owner_count_add(&cache->slots[0].due, 1);
        owner_count_add(&cache->large_alloc_bytes, bytes);
    } else if (cache) {
        owner_count_add(&cache->slots[0].frees, 1);
        owner_count_add(&cache->large_free_bytes, bytes);
    }
    if (shared)
        thread_leave_shared();
}

/* `align` is a power of two above a page, or 1. */
static __attribute__((noinline)) void *malloc_large(size_t size, size_t align, bool *zeroed) {
    if (size > LARGEST_REQUEST || align > LARGEST_REQUEST)
        return out_of_memory();
    uint64_t align_pages = align > HEAP_PAGE_SIZE ? align >> HEAP_PAGE_SHIFT : 1;
    struct span *span = page_heap_alloc(pages_for(size + guard_room()), 0, align_pages, zeroed);
    if (!span && end_rests(own_cache()))
        span = page_heap_alloc(pages_for(size + guard_room()), 0, align_pages, zeroed);
    if (!span)
        return out_of_memory();
    count_large(true, span->slot_size);
    scavenger_poll(NULL);
    guard_enter();
    if (UNLIKELY(guard_on)) {
        guard_seal(span, (void *)span->base, size);
        *zeroed = false; /* as far as valgrind knows */
    }
    sampling_large(span, size);
    guard_leave();
    return (void *)span->base;
}

/* The end of a list is no more than that, as a rule: the last object is taken, and what was freed meanwhile, or more of
 * the same span, becomes the next list. Nothing else changes, so nothing else is looked at. */
static inline enum fast_malloc malloc_last(unsigned size_class, void **out) {
    struct class_slot *slot = &thread_fast_cache->slots[size_class];
    if (atomic_load_relaxed(&slot->bytes) == 0 ||
        (!cache_has_free(slot) && !cache_reuse(thread_fast_cache, size_class)))
        return FAST_MALLOC_SLOW;
    if (UNLIKELY(owner_count_step(&slot->due)))
        return FAST_MALLOC_DUE;
    *out = cache_pop(slot);
    return FAST_MALLOC_DONE;
}

void *malloc_slow(size_t size, unsigned size_class) {
    bool zeroed;
    void *object;
    switch (malloc_last(size_class, &object)) {
    case FAST_MALLOC_DONE:
        return object;
    case FAST_MALLOC_DUE:
        return malloc_due(size, size_class);
    default:
        break;
    }
    later_poll_near(__builtin_return_address(0));
    return size_class ? malloc_small_slow(size, size_class) : malloc_large(size, 1, &zeroed);
}

/* The count fell due before the object was taken: it is taken here, and recorded. Where that is not plain, the slow
 * path counts again. */
void *malloc_due(size_t size, unsigned size_class) {
    void *object = sampling_due(thread_fast_cache, size_class, size);
    if (LIKELY(object))
        return object;
    fast_undo_due(size_class);
    return malloc_small_slow(size, size_class);
}

void *heap_malloc(size_t size) { return fast_malloc_or_slow(size, fast_size_class(size)); }

void *heap_calloc(size_t count, size_t size) {
    size_t bytes;
    if (UNLIKELY(!mul_fits(count, size, &bytes)))
        return out_of_memory();
    bool zeroed = false;
    void *p =
        bytes <= SIZE_CLASS_MAX ? fast_malloc_or_slow(bytes, size_class_of(bytes)) : malloc_large(bytes, 1, &zeroed);
    if (p && !zeroed)
        memset(p, 0, bytes);
    return p;
}

/* Slots of a class begin at multiples of its size from a page, so a class whose size is a multiple of the alignment is
 * aligned. The size rounded up to the alignment mostly falls into one. */
static unsigned aligned_class(size_t align, size_t size) {
    unsigned size_class = size_class_of(align_up(size ? size : 1, align));
    while (size_classes[size_class].size & (align - 1))
        size_class++; /* ends: the largest class is a power of two above every alignment that comes here */
    return size_class;
}

/* The class that serves the request; 0: a large object. Small alignments take the same way as larger ones: which it is
 * cannot be foretold, and the classes are aligned. */
static inline unsigned class_for(size_t align, size_t size) {
    return LIKELY(align <= HEAP_PAGE_SIZE && size <= SIZE_CLASS_MAX) ? aligned_class(align, size) : 0;
}

static __attribute__((noinline)) void *memalign_slow(size_t align, size_t size) {
    unsigned size_class = LIKELY(size <= SIZE_CLASS_MAX) ? class_for(align, size + guard_room()) : 0;
    if (LIKELY(size_class))
        return fast_malloc_or_slow(size, size_class);
    bool zeroed;
    return malloc_large(size, align, &zeroed);
}

void *heap_memalign(size_t align, size_t size) {
    unsigned size_class;
    void *object;
    switch (fast_memalign(align, size, &size_class, &object)) {
    case FAST_MALLOC_DONE:
        return object;
    case FAST_MALLOC_DUE:
        return malloc_due(size, size_class);
    default:
        return memalign_slow(align, size);
    }
}

/* ---- freeing ---- */

static void count_free(unsigned size_class, size_t slot_size) {
    struct cache *cache = thread_cache;
    if (cache == &cache_none)
        thread_count_free(size_class, slot_size);
    else if (size_class)
        owner_count_step(&cache->slots[size_class].frees);
    else
        count_large(false, slot_size);
}

/* `caller` is the program's return address (scavenger.h). */
static void free_object(struct span *span, void *p, const void *caller) {
    sampling_forget(span, p, span->slot_size);
    count_free(span->size_class, span->slot_size);
    if (span->size_class)
        cache_route_free(own_cache(), span, p);
    else
        page_heap_free(span);
    scavenger_poll(caller);
}

struct search {
    const void *object;
    bool found;
};

static void search_pending(struct cache *cache, void *context) {
    struct search *search = context;
    search->found |= cache_pending_holds(cache, search->object);
}

static bool is_on_a_list(const struct span *span, const void *p) {
    uintptr_t owner = atomic_load_relaxed(&span->owner) & ~SPAN_SAMPLED;
    struct search search = {p, false};
    if (arena_map_list_holds(span->free, p, span->slots) || arena_map_list_holds(span->more, p, span->slots))
        return true;
    if (owner != SPAN_CENTRAL &&
        (cache_list_holds((struct cache *)owner, span, p) || remote_holds(&((struct cache *)owner)->remote, p)))
        return true;
    thread_each_cache(search_pending, &search);
    return search.found;
}

/* Whether a slot that looks free is free: it is looked for where free slots are. Its word alone is no proof, since old
 * links lie about in memory that a program has not written to, and may be copied from there. Lists of other threads
 * change meanwhile, so what was found must be found twice. */
static bool is_free_already(const struct span *span, const void *p) {
    const void *next = span_link_load(p);
    if (!span->size_class || (next && !arena_map_span(next)))
        return false; /* a freed large object has no span; a link leads to a slot, or ends */
    if (!is_on_a_list(span, p))
        return false;
    sched_yield();
    return is_on_a_list(span, p);
}

/* False: the object is from before the checks began, and not freed yet. */
static bool free_guarded(struct span *span, void *p, const void *caller) {
    bool is_known;
    guard_enter();
    guard_tick();
    enum guard_state state = guard_open(span, p, &is_known);
    if (state == GUARD_FREE)
        report_double_free(p, span->slot_size);
    if (state == GUARD_LIVE) {
        if (is_known)
            sampling_tell_freed(p, span->slot_size);
        count_free(span->size_class, span->slot_size);
        void *old = span->size_class ? guard_retire(span, p) : NULL;
        if (old)
            cache_route_free(own_cache(), arena_map_span(old), old);
        else if (!span->size_class)
            page_heap_free(span);
        scavenger_poll(caller);
    }
    guard_leave();
    return state == GUARD_LIVE;
}

void free_slow(void *p, const void *caller) {
    if (!p)
        return;
    struct span *span = locate("free", p);
    if (UNLIKELY(guard_on) && free_guarded(span, p, caller))
        return;
    if (UNLIKELY(span_slot_looks_free(p) && is_free_already(span, p)))
        report_double_free(p, span->slot_size);
    free_object(span, p, caller);
}

/* A sampled object of this thread's own. The last of them ends the slow way for the span. */
static void free_own_sampled(struct cache *cache, struct span *span, void *p, const void *caller) {
    if (span_unmark_sampled(span, span_index(span, (uintptr_t)p), true))
        sampling_tell_freed(p, span->slot_size);
    if (atomic_load_relaxed(&span->sampled) == 0)
        atomic_store_relaxed(&span->owner, (uintptr_t)cache);
    owner_count_step(&cache->slots[span->size_class].frees);
    if (UNLIKELY(cache_put(span, p, span_link_key)))
        free_drained(cache, span, caller);
}

/* Most of these go to the thread that allocated them, in batches. A thread without a cache has no batches, nor has one
 * that takes slow paths. */
void free_foreign(struct cache *cache, struct span *span, void *p, const void *caller) {
    bool is_sound = LIKELY(cache != &cache_none && span_is_carved_slot(span, p) && !span_slot_looks_free(p));
    if (is_sound && atomic_load_relaxed(&span->owner) == ((uintptr_t)cache | SPAN_SAMPLED)) {
        free_own_sampled(cache, span, p, caller);
        return;
    }
    if (UNLIKELY(!is_sound || !cache_collect(cache, span, p))) {
        free_slow(p, caller);
        return;
    }
    owner_count_step(&cache->slots[span->size_class].frees);
}

void free_drained(struct cache *cache, struct span *span, const void *caller) {
    cache_span_drained(cache, span);
    scavenger_poll(caller);
}

void heap_free(void *p) { fast_free_or_slow(p); }

void heap_free_sized(void *p, size_t size) { heap_free_aligned_sized(p, 1, size); }

/* The same sums as the allocation did must lead to the same class, or to as many pages. */
static bool is_served_by(const struct span *span, size_t align, size_t size) {
    unsigned size_class = is_power_of_two(align) ? class_for(align, size) : SIZE_CLASS_COUNT;
    return size_class == span->size_class && (size_class || pages_for(size) == span->pages);
}

void heap_free_aligned_sized(void *p, size_t align, size_t size) {
    if (!p)
        return;
    struct span *span = locate("sized free", p);
    size_t object_bytes = span->slot_size;
    bool fits = is_served_by(span, align, size);
    if (UNLIKELY(guard_on))
        fits = guard_look(span, p, &object_bytes) != GUARD_LIVE ||
               (size == object_bytes && is_served_by(span, align, size + GUARD_BYTES));
    if (!fits)
        log_fatal("sized free of %p: size %zu does not belong to an object of %zu bytes", p, size, object_bytes);
    fast_free_or_slow(p);
}

/* ---- reallocation ---- */

/* The bytes that belong to the object at p. */
static size_t object_size(const char *call, const void *p, struct span *span) {
    size_t requested;
    if (LIKELY(!guard_on))
        return span->slot_size;
    switch (guard_look(span, (void *)(uintptr_t)p, &requested)) {
    case GUARD_FREE:
        log_fatal("%s of invalid pointer %p: a freed object of %zu bytes", call, p, span->slot_size);
    case GUARD_LIVE:
        return requested;
    default:
        return span->slot_size;
    }
}

/* In place the old object ends and a new one begins, for the counts and for the profile. */

static bool resize_small(struct span *span, void *p, size_t size) {
    struct cache *cache = thread_cache;
    unsigned size_class = span->size_class;
    if (size > SIZE_CLASS_MAX || size_class_of(size) != size_class)
        return false;
    /* Only the owner may mark an object of the span as sampled; for anybody else the object moves. */
    if (!thread_owns(span))
        return false;
    sampling_forget(span, p, span->slot_size);
    count_free(size_class, span->slot_size);
    struct sampling_decision decision = sampling_count(cache, size_class, span, p);
    cache_count_resized(cache, size_class);
    sampling_record(decision, span, p, size);
    return true;
}

static bool resize_large(struct span *span, void *p, size_t size) {
    size_t old_slot = span->slot_size;
    if (size <= SIZE_CLASS_MAX || size > LARGEST_REQUEST)
        return false;
    bool shrinks = pages_for(size) < span->pages; /* which cannot fail */
    if (!shrinks && !page_heap_resize(span, pages_for(size)))
        return false;
    sampling_forget(span, p, old_slot);
    count_free(0, old_slot);
    if (shrinks) /* not before: pages belong to an object that is counted until its free is (memstats.c) */
        page_heap_resize(span, pages_for(size));
    count_large(true, span->slot_size);
    sampling_large(span, size);
    return true;
}

void *heap_realloc(void *p, size_t size) {
    if (!p)
        return heap_malloc(size);
    struct span *span = locate("realloc", p);
    if (size == 0) {
        free_slow(p, __builtin_return_address(0));
        return NULL;
    }
    size_t old_size = object_size("realloc", p, span);
    if (!guard_on && (span->size_class ? resize_small(span, p, size) : resize_large(span, p, size)))
        return p;
    void *moved = heap_malloc(size);
    if (!moved)
        return NULL;
    memcpy(moved, p, old_size < size ? old_size : size);
    fast_free_or_slow(p);
    return moved;
}

size_t heap_usable_size(const void *p) {
    static const char call[] = "malloc_usable_size";
    return p ? object_size(call, p, locate(call, p)) : 0;
}
