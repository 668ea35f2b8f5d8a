/* The per-thread cache: what malloc's fast path reads and writes, without locks or atomic read-modify-writes.
 *
 * For each size class it holds the span that the thread allocates from now, the spans with free slots that come next,
 * and those that are full. `struct class_slot` is a cache line, and all that malloc needs of a class:
 *
 *   thread -> cache.slots[class].free -> object -> object ...
 *
 * The slots on that list are the current span's. They were its free list when the last one ran out; what is freed since
 * is collected in the span, and becomes the next list. So malloc need not know the span, and does not wait for what the
 * free before it has written.
 *
 * Counters have one writer, the owning thread, and are read by anybody; they only grow. A cache outlives its thread and
 * is taken over, counters and all, by a later one, so sums over all caches are exact for the whole process. */
#ifndef HEAPTAP_ALLOC_CACHE_H
#define HEAPTAP_ALLOC_CACHE_H

#include "alloc/central.h"
#include "alloc/remote.h"
#include "base/check.h"
#include "base/owner_count.h"

/* What this thread freed of one other cache's objects and has not sent yet. */
struct remote_pending {
    struct cache *owner; /* NULL when nothing is pending */
    struct remote_batch *batch;
    size_t bytes;
};

enum { CACHE_PENDING = 8, CACHE_PENDING_BYTES_MOST = 32 * 1024 };

enum cache_state {
    CACHE_IDLE = 0, /* no thread; whoever pushes to `remote` empties it */
    CACHE_ATTACHED, /* a thread's; it empties `remote` when it runs out of free slots */
    CACHE_LOST      /* its thread did not survive a fork: its lists are not to be believed */
};

/* Spans without objects that the cache keeps of a class, in its list of partial ones. */
struct cache_empty {
    uint8_t count, most;
    bool gave_up; /* the last one that became empty, since the cache had as many as it may */
};

/* What the fast path needs of a class. `due` is the count of allocations less next_sample, modulo 2^64: one addition
 * both counts an allocation and tells, by reaching 0, that it is the one to be sampled.
 *
 * One comparison of the first link with [base, base + bytes) finds all that is not the fast path's: the end of the
 * list, a link that somebody wrote over, and a slot that was disarmed, whose `bytes` is 0. */
struct class_slot {
    _Alignas(64) void *free; /* the slots to hand out next; cache_no_object without one */
    uintptr_t base;          /* of the current span */
    _Atomic size_t bytes;    /* of its slots; 0 when the slow path must look. Any thread may store the 0 */
    struct span *current;    /* NULL without one */
    struct owner_count due;
    struct owner_count frees; /* frees of this class by this cache's thread, of anybody's objects, ever */
    _Atomic uint64_t next_sample;

    /* Not the fast path's. */
    uint32_t began; /* objects of the current span handed out when it became that, less mallocs then; modulo 2^32 */
    uint8_t growth; /* spans taken from the page heap: later ones are larger */
    struct cache_empty empty;
};

struct cache {
    _Alignas(64) struct class_slot slots[SIZE_CLASS_COUNT]; /* [0] counts large objects */
    struct owner_count large_alloc_bytes, large_free_bytes;
    _Atomic uint32_t version; /* odd while a slot's due and next_sample do not belong together */

    struct span_list partial[SIZE_CLASS_COUNT];
    struct span_list full[SIZE_CLASS_COUNT];
    uint64_t draw_rate[SIZE_CLASS_COUNT];         /* the mean with which next_sample was drawn */
    uint64_t draw_generation[SIZE_CLASS_COUNT];   /* of the hook's rate at that moment; 0 = nothing drawn yet */
    struct remote_pending pending[CACHE_PENDING]; /* by a hash of the owner */
    struct remote_batch *spare;                   /* emptied batches, linked by next */
    uint32_t spare_count;
    void *hook_word;      /* the hook's, for the thread; NULL at first. Stays when the cache gets another thread */
    uint32_t refills;     /* counts up; now and then pending batches are sent as they are */
    uint32_t empty_bytes; /* of the spans that `empty` counts */

    /* Written by other threads. */
    _Alignas(64) struct remote_list remote; /* objects of this cache's spans */
    _Atomic uint32_t state;

    /* Under the registry's lock (thread.c). */
    struct cache *next_registered;
    struct cache *next_idle;
};

_Static_assert(sizeof(struct class_slot) == 64, "a cache line");
_Static_assert(sizeof(struct cache) <= 8192, "what a thread costs, with its first spans, stays under 16 KiB");

/* A slot whose link is never good: what a list ends in, so that the fast path needs no test for it. */
extern HIDDEN const uintptr_t cache_no_object;
/* A cache whose every class is empty and whose every count is due: what a thread has before its first malloc and
 * after its end. Never written. */
extern HIDDEN struct cache cache_none;

/* Fills a zeroed or idle structure for a new thread. */
void cache_init(struct cache *cache);

/* Allocations from the class by this cache, ever. Any thread. */
uint64_t cache_mallocs(const struct cache *cache, unsigned size_class);

/* What the cache has counted, ever. Any thread. */
struct cache_totals {
    uint64_t mallocs, frees, alloc_bytes, free_bytes;
};

struct cache_totals cache_read_totals(const struct cache *cache);

/* Sets next_sample so that the count-th allocation from now on is due; HEAP_HOOK_NEVER: none. Owner only. */
void cache_set_due(struct cache *cache, unsigned size_class, uint64_t count);

/* The same for count 1, where the last allocation was due: so is the next. */
static inline void cache_set_due_again(struct cache *cache, struct class_slot *slot) {
    uint32_t version = atomic_load_relaxed(&cache->version);
    atomic_store_relaxed(&cache->version, version + 1);
    atomic_fence_release();
    atomic_bump_by_owner(&slot->next_sample, 1);
    owner_count_set(&slot->due, UINT64_MAX);
    atomic_store_release(&cache->version, version + 2);
}

/* The fast path looks nowhere until the owner arms the slot again. Any thread. */
static inline void cache_disarm(struct cache *cache, unsigned size_class) {
    atomic_store_seq_cst(&cache->slots[size_class].bytes, (size_t)0);
}

static inline bool cache_has_free(const struct class_slot *slot) { return slot->free != &cache_no_object; }

/* Makes what was freed of the current span the list to allocate from, when that has run out. False when nothing was.
 * Owner only. */
static inline bool cache_take_freed(struct class_slot *slot);

/* Makes the class have a free slot of its current span, if that is quickly done. Owner only. */
bool cache_reuse(struct cache *cache, unsigned size_class);

/* Makes a class have a free slot for which cache_take_freed found none. False when there is no memory. Owner only. */
bool cache_refill(struct cache *cache, unsigned size_class);

/* Puts an object back into its span, which is this cache's. `key` is span_link_key. True when cache_span_drained must
 * follow. Owner only. */
static inline bool cache_put(struct span *span, void *object, uintptr_t key);
/* The span's countdown has reached 0: it has free slots again, or no object any more. */
void cache_span_drained(struct cache *cache, struct span *span);

/* Gives an object back to whoever owns its span: `self` (NULL for a thread without a cache), nobody, or another
 * thread's cache. The object is not counted and not looked at. Any thread. */
void cache_route_free(struct cache *self, struct span *span, void *object);

/* The quick way for an object of another cache's span, which is in use and not sampled: into the pending batch for that
 * cache, where that exists and has room for two. False when it is not so, and then nothing was done. Owner only. */
static inline bool cache_collect(struct cache *cache, const struct span *span, void *object);

/* Whether the object waits in a pending batch. Exact for the owner; others may be misled by what changes meanwhile. */
bool cache_pending_holds(const struct cache *cache, const void *object);

/* Whether the object is on the list that the cache allocates from the span with. As exact as the one above. */
bool cache_list_holds(const struct cache *cache, const struct span *span, const void *object);

/* Objects of the class's current span that are in use or on their way back. Owner only. */
uint32_t cache_current_handed_out(const struct cache *cache, unsigned size_class);

/* An object of the class was counted as freed and allocated, and stayed where it was. Owner only. */
static inline void cache_count_resized(struct cache *cache, unsigned size_class) { cache->slots[size_class].began--; }

/* Sends what waits in pending batches, full or not. Owner only. */
void cache_send_pending(struct cache *cache);

/* Takes all objects that other threads returned. Owner only. */
void cache_drain_remote(struct cache *cache);

/* Sends on what was returned to a cache without a thread. Any thread. */
void cache_reap(struct cache *cache);

/* Gives every span to the central lists or the page heap. Owner only. */
void cache_give_up_spans(struct cache *cache);

/* A slot off the class's list, which has one; aborts with a line when somebody wrote over it. Does not count. */
void *cache_pop(struct class_slot *slot);

/* The same where it is known that `next` is the slot's link, and good, and not the end. */
static inline void *cache_pop_known(struct class_slot *slot, void *object, void *next) {
    slot->free = next;
    __builtin_memset(object, 0, sizeof next);
    return object;
}

static inline struct remote_pending *cache_pending(struct cache *cache, const struct cache *owner) {
    return &cache->pending[((uintptr_t)owner / sizeof *owner) % CACHE_PENDING];
}

/* An end link makes it look free, so that a second free looks for it. */
static inline void cache_add_pending(struct remote_pending *pending, const struct span *span, void *object) {
    span_link_store(object, NULL);
    pending->batch->objects[pending->batch->count++] = object;
    pending->bytes += span->slot_size;
}

static inline bool cache_pending_full(const struct remote_pending *pending) {
    return pending->batch->count == REMOTE_BATCH_OBJECTS || pending->bytes >= CACHE_PENDING_BYTES_MOST;
}

static inline bool cache_collect(struct cache *cache, const struct span *span, void *object) {
    uintptr_t owner = atomic_load_acquire(&span->owner);
    if (owner & SPAN_SAMPLED) {
        uint32_t offset = (uint32_t)((uintptr_t)object - span->base);
        if (span_may_be_sampled(span, size_class_index_known(offset, span->inverse)))
            return false;
        owner &= ~SPAN_SAMPLED;
    }
    struct remote_pending *pending = cache_pending(cache, (struct cache *)owner);
    if ((uintptr_t)pending->owner != owner || owner == SPAN_CENTRAL)
        return false;
    if (UNLIKELY(pending->batch->count == REMOTE_BATCH_OBJECTS - 1 ||
                 pending->bytes + span->slot_size >= CACHE_PENDING_BYTES_MOST))
        return false;
    cache_add_pending(pending, span, object);
    return true;
}

static inline bool cache_take_freed(struct class_slot *slot) {
    struct span *span = slot->current;
    if (!span || !span_has_free(span))
        return false;
    void **list = span->free ? &span->free : &span->more;
    slot->free = *list;
    *list = NULL;
    return true;
}

static inline bool cache_put(struct span *span, void *object, uintptr_t key) {
    span_link_store_keyed(object, span->free, key);
    span->free = object;
    return --span->countdown == 0;
}

#endif
