/* What happens when a class's count falls due: the allocator's side of alloc/hook.h. */
#ifndef HEAPTAP_ALLOC_SAMPLING_H
#define HEAPTAP_ALLOC_SAMPLING_H

#include "alloc/hook.h"
#include "alloc/thread.h"

/* True when the allocation that the cache just counted must go to sampling_event. */
static inline bool sampling_due(const struct class_slot *slot) {
    return atomic_load_relaxed(&slot->mallocs) >= atomic_load_relaxed(&slot->next_sample);
}

/* The object was just counted as the newest of its class. Decides whether it is the sampled one, records it, and draws
 * the next. With the shared cache: under its lock up to sampling_decide, and the rest without. */
struct sampling_decision {
    bool sampled;
    uint64_t rate;
};

struct sampling_decision sampling_decide(struct cache *cache, unsigned size_class, struct span *span, void *object);
void sampling_record(struct sampling_decision decision, struct span *span, void *object, size_t requested);

/* A large object draws once for itself. */
void sampling_large(struct span *span, size_t requested);

/* Tells the hook, if the object is recorded, that it is gone, with the slot size at which it was recorded. Any
 * thread. */
void sampling_forget(struct span *span, void *object, size_t slot_size);

#endif
