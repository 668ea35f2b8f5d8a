/* A count falls due in one of three cases:
 *   1. next_sample is 0: nothing was drawn yet, or the rate has changed. Draw, and let this allocation take part.
 *   2. This is the sampled allocation: mark it in its span, tell the hook, draw the next.
 *   3. The same while a hook of this thread runs: only draw anew.
 *
 * A draw and a change of rate on another thread may cross. The drawer stores its count and then looks at the
 * generation; the changer raises the generation and then stores zeros. In every order the count ends at zero or is
 * drawn with the new rate.
 *
 * Locks: none; hooks run with none held. May run inside malloc. */
#include "alloc/sampling.h"

#include "base/check.h"

static _Atomic(const struct heap_hook *) installed;
static _Atomic uint64_t generation;
static _Thread_local bool in_hook;

static void forget_draws(struct cache *cache, void *context) {
    (void)context;
    for (unsigned i = 0; i < SIZE_CLASS_COUNT; i++)
        atomic_store_relaxed(&cache->slots[i].next_sample, 0);
}

void heap_hook_redraw(void) {
    atomic_add_seq_cst(&generation, 1);
    atomic_fence_seq_cst();
    thread_each_cache(forget_draws, NULL);
}

void heap_hook_install(const struct heap_hook *hook) {
    atomic_store_seq_cst(&installed, hook);
    heap_hook_redraw();
}

/* Draws until the generation stood still; the count goes on from `base`. */
static void draw(const struct heap_hook *hook, struct cache *cache, unsigned size_class, uint64_t base) {
    struct class_slot *slot = &cache->slots[size_class];
    uint64_t seen;
    do {
        seen = atomic_load_seq_cst(&generation);
        uint64_t count = HEAP_HOOK_NEVER;
        if (hook)
            count = hook->draw(size_classes[size_class].size, &cache->draw_rate[size_class]);
        atomic_store_seq_cst(&slot->next_sample, count > HEAP_HOOK_NEVER - base ? HEAP_HOOK_NEVER : base + count);
    } while (atomic_load_seq_cst(&generation) != seen);
}

struct sampling_decision sampling_decide(struct cache *cache, unsigned size_class, struct span *span, void *object) {
    const struct heap_hook *hook = atomic_load_acquire(&installed);
    struct class_slot *slot = &cache->slots[size_class];
    uint64_t count = atomic_load_relaxed(&slot->mallocs);
    if (atomic_load_relaxed(&slot->next_sample) == 0)
        draw(hook, cache, size_class, count - 1);
    if (count < atomic_load_relaxed(&slot->next_sample))
        return (struct sampling_decision){false, 0};
    uint64_t rate = cache->draw_rate[size_class];
    draw(hook, cache, size_class, count);
    bool sampled = hook && !in_hook && span_mark_sampled(span, span_index(span, (uintptr_t)object));
    return (struct sampling_decision){sampled, rate};
}

void sampling_record(struct sampling_decision decision, struct span *span, void *object, size_t requested) {
    if (!decision.sampled)
        return;
    const struct heap_hook *hook = atomic_load_acquire(&installed);
    in_hook = true;
    bool recorded = hook->sampled(object, requested, span->slot_size, decision.rate);
    in_hook = false;
    if (!recorded)
        span_unmark_sampled(span, span_index(span, (uintptr_t)object));
}

void sampling_large(struct span *span, size_t requested) {
    const struct heap_hook *hook = atomic_load_acquire(&installed);
    uint64_t rate;
    if (!hook || in_hook || hook->draw(span->slot_size, &rate) != 1)
        return;
    if (span_mark_sampled(span, 0))
        sampling_record((struct sampling_decision){true, rate}, span, (void *)span->base, requested);
}

void sampling_forget(struct span *span, void *object, size_t slot_size) {
    uint32_t index = span->size_class ? span_index(span, (uintptr_t)object) : 0;
    if (!span_unmark_sampled(span, index))
        return;
    const struct heap_hook *hook = atomic_load_acquire(&installed);
    bool nested = in_hook;
    in_hook = true;
    hook->freed(object, slot_size);
    in_hook = nested;
}
