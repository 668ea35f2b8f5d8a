/* Per class a lock and a list of partial spans. Full spans are in no list: the next free of one of their objects finds
 * them through the arena map and lists them.
 *
 * `countdown` of a span here is the number of its objects that are handed out; at 0 the span goes back to the page
 * heap.
 *
 * Locks: central, with nothing taken inside; the page heap is called after unlock. May run inside malloc. */
#include "alloc/central.h"

#include "base/check.h"

struct central {
    _Alignas(64) struct lock lock;
    struct span_list partial;
};

#define CENTRAL_1                                                                                                      \
    { .lock = LOCK_INIT(RANK_CENTRAL) }
static struct central centrals[SIZE_CLASS_COUNT] = {[0 ... SIZE_CLASS_COUNT - 1] = CENTRAL_1};

static void set_owner(struct span *span, uintptr_t owner) {
    bool sampled = atomic_load_relaxed(&span->sampled) > 0;
    atomic_store_release(&span->owner, owner | (sampled ? SPAN_SAMPLED : 0));
}

struct span *central_take(unsigned size_class, uintptr_t owner) {
    struct central *central = &centrals[size_class];
    lock_acquire(&central->lock);
    struct span *span = central->partial.first;
    if (span) {
        span_list_remove(&central->partial, span);
        set_owner(span, owner);
    }
    lock_release(&central->lock);
    return span;
}

/* Lists the span by what it holds now. True when it is empty, and then it is in no list. */
static bool settle_locked(struct central *central, struct span *span, uint32_t handed_out) {
    lock_assert_held(&central->lock);
    span->countdown = handed_out;
    if (handed_out == 0)
        return true;
    span->state = SPAN_FULL;
    if (span_has_free(span) || atomic_load_relaxed(&span->carved) < span->slots_bytes) {
        span->state = SPAN_PARTIAL;
        span_list_push(&central->partial, span);
    }
    return false;
}

void central_give(struct span *span, uint32_t handed_out) {
    struct central *central = &centrals[span->size_class];
    lock_acquire(&central->lock);
    bool empty = settle_locked(central, span, handed_out);
    if (!empty)
        set_owner(span, SPAN_CENTRAL);
    lock_release(&central->lock);
    if (empty)
        page_heap_free(span);
}

void central_seize(struct span *span, uintptr_t owner) {
    struct central *central = &centrals[span->size_class];
    lock_acquire(&central->lock);
    if ((atomic_load_relaxed(&span->owner) & ~SPAN_SAMPLED) == owner) {
        span->free = span->more = NULL;
        atomic_store_relaxed(&span->carved, (uint32_t)span->slots_bytes);
        span->state = SPAN_FULL;
        span->countdown = SPAN_NO_COUNT; /* how many are handed out is not known, so it is never empty */
        span->next = span->previous = NULL;
        set_owner(span, SPAN_CENTRAL);
    }
    lock_release(&central->lock);
}

bool central_free(struct span *span, void *object) {
    struct central *central = &centrals[span->size_class];
    lock_acquire(&central->lock);
    bool ours = (atomic_load_relaxed(&span->owner) & ~SPAN_SAMPLED) == SPAN_CENTRAL;
    bool empty = false;
    if (ours) {
        span_link_store(object, span->free);
        span->free = object;
        if (span->state == SPAN_FULL) {
            span->state = SPAN_PARTIAL;
            span_list_push(&central->partial, span);
        }
        empty = --span->countdown == 0;
        if (empty)
            span_list_remove(&central->partial, span);
    }
    lock_release(&central->lock);
    if (empty)
        page_heap_free(span);
    return ours;
}

void central_locks_each(void (*visit)(struct lock *)) {
    for (unsigned i = 1; i < SIZE_CLASS_COUNT; i++)
        visit(&centrals[i].lock);
}
