/* An allocation that the slow path counts:
 *   1. The rate is another than at the last draw, or nothing was drawn yet: draw, so that this allocation takes part.
 *   2. Count it. If that makes it the due one, mark it in its span and draw the next.
 *   3. If it fell due while a hook of this thread runs, only draw.
 *
 * The fast path does step 2 without the drawing, and comes here when the count is due. It comes here too when another
 * thread changed the rate: that thread raises the generation and then disarms every slot; this one arms its slot and
 * then looks at the generation. In every order one of the two sees the other, so no slot stays armed with an old draw.
 *
 * Locks: none; hooks run with none held. May run inside malloc. */
#include "alloc/sampling.h"

#include "alloc/guard.h"
#include "base/check.h"

static _Atomic(const struct heap_hook *) installed;
static _Atomic uint64_t generation = 1;
static _Thread_local bool in_hook;

static void disarm_all(struct cache *cache, void *context) {
    (void)context;
    for (unsigned i = 1; i < SIZE_CLASS_COUNT; i++)
        cache_disarm(cache, i);
}

void heap_hook_redraw(void) {
    atomic_add_seq_cst(&generation, 1);
    thread_each_cache(disarm_all, NULL);
}

void heap_hook_install(const struct heap_hook *hook) {
    atomic_store_seq_cst(&installed, hook);
    heap_hook_redraw();
}

static void draw(const struct heap_hook *hook, struct cache *cache, unsigned size_class) {
    cache->draw_generation[size_class] = atomic_load_seq_cst(&generation);
    uint64_t count = HEAP_HOOK_NEVER;
    if (hook)
        count = hook->draw(size_classes[size_class].size, &cache->draw_rate[size_class]);
    cache_set_due(cache, size_class, count);
}

static bool is_stale(const struct cache *cache, unsigned size_class) {
    return cache->draw_generation[size_class] != atomic_load_seq_cst(&generation);
}

/* Under guard every object is marked already, and its seal tells which the hook knows. */
static bool mark(struct span *span, void *object) {
    if (UNLIKELY(guard_on)) {
        guard_set_known(span, object, true);
        return true;
    }
    return span_mark_sampled(span, span->size_class ? span_index(span, (uintptr_t)object) : 0);
}

static void unmark(struct span *span, void *object) {
    if (UNLIKELY(guard_on))
        guard_set_known(span, object, false);
    else
        span_unmark_sampled(span, span->size_class ? span_index(span, (uintptr_t)object) : 0, thread_owns(span));
}

struct sampling_decision sampling_count(struct cache *cache, unsigned size_class, struct span *span, void *object) {
    const struct heap_hook *hook = atomic_load_acquire(&installed);
    while (UNLIKELY(is_stale(cache, size_class)))
        draw(hook, cache, size_class);
    if (LIKELY(!owner_count_step(&cache->slots[size_class].due)))
        return (struct sampling_decision){false, 0};
    uint64_t rate = cache->draw_rate[size_class];
    draw(hook, cache, size_class);
    bool sampled = hook && !in_hook && mark(span, object);
    return (struct sampling_decision){sampled, rate};
}

void *sampling_due(struct cache *cache, unsigned size_class, size_t requested) {
    const struct heap_hook *hook = atomic_load_acquire(&installed);
    if (UNLIKELY(in_hook || !hook || is_stale(cache, size_class)))
        return NULL;
    struct class_slot *slot = &cache->slots[size_class];
    struct span *span = slot->current;
    void *object = cache_pop(slot);
    uint64_t rate = cache->draw_rate[size_class];
    if (rate == 1)
        cache_set_due_again(cache, slot);
    else
        draw(hook, cache, size_class);
    if (UNLIKELY(!span_mark_sampled(span, span_index(span, (uintptr_t)object))))
        return object;
    in_hook = true;
    bool recorded = hook->sampled(object, requested, span->slot_size, rate);
    in_hook = false;
    if (UNLIKELY(!recorded))
        unmark(span, object);
    return object;
}

void sampling_arm(struct cache *cache, unsigned size_class) {
    struct class_slot *slot = &cache->slots[size_class];
    size_t bytes = slot->current ? slot->current->slots_bytes : 0;
    if (atomic_load_relaxed(&slot->bytes) == bytes)
        return; /* it was never disarmed, or the store that does so will still come */
    atomic_store_seq_cst(&slot->bytes, bytes);
    if (UNLIKELY(is_stale(cache, size_class)))
        cache_disarm(cache, size_class);
}

void sampling_record(struct sampling_decision decision, struct span *span, void *object, size_t requested) {
    if (!decision.sampled)
        return;
    const struct heap_hook *hook = atomic_load_acquire(&installed);
    in_hook = true;
    bool recorded = hook->sampled(object, requested, span->slot_size, decision.rate);
    in_hook = false;
    if (!recorded)
        unmark(span, object);
}

/* Large objects of all sizes share a gap in bytes, which each of them shortens by its size. What is left of a geometric
 * gap after some bytes is such a gap again, so each is sampled by its own bytes as if it drew for itself; but it draws
 * only when it is sampled. */
static bool large_is_due(const struct heap_hook *hook, size_t slot_size, uint64_t *rate) {
    static _Thread_local uint64_t left, left_rate, left_generation;
    uint64_t now = atomic_load_seq_cst(&generation);
    if (left_generation != now)
        left = hook->draw(1, &left_rate);
    left_generation = now;
    if (LIKELY(slot_size < left)) {
        left -= slot_size;
        return false;
    }
    *rate = left_rate;
    left = hook->draw(1, &left_rate);
    return true;
}

void sampling_large(struct span *span, size_t requested) {
    const struct heap_hook *hook = atomic_load_acquire(&installed);
    uint64_t rate;
    if (!hook || in_hook || !large_is_due(hook, span->slot_size, &rate))
        return;
    if (mark(span, (void *)span->base))
        sampling_record((struct sampling_decision){true, rate}, span, (void *)span->base, requested);
}

void sampling_forget(struct span *span, void *object, size_t slot_size) {
    uint32_t index = span->size_class ? span_index(span, (uintptr_t)object) : 0;
    if (span_unmark_sampled(span, index, thread_owns(span)))
        sampling_tell_freed(object, slot_size);
}

void sampling_tell_freed(void *object, size_t slot_size) {
    const struct heap_hook *hook = atomic_load_acquire(&installed);
    bool nested = in_hook;
    in_hook = true;
    hook->freed(object, slot_size);
    in_hook = nested;
}
