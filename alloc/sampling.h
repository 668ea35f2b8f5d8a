/* Which allocation of a class is the sampled one, and what happens then: the allocator's side of alloc/hook.h. */
#ifndef HEAPTAP_ALLOC_SAMPLING_H
#define HEAPTAP_ALLOC_SAMPLING_H

#include "alloc/hook.h"
#include "alloc/thread.h"

/* What was decided of an allocation; recorded after every lock was given back. */
struct sampling_decision {
    bool sampled;
    uint64_t rate;
};

/* Counts an allocation of the class, decides whether it is the sampled one, marks it in its span and draws the next.
 * The span is the cache's own. Owner only. */
struct sampling_decision sampling_count(struct cache *cache, unsigned size_class, struct span *span, void *object);

/* The rest of an allocation that the fast path has counted and found due: takes the object and records it, in the one
 * way that this mostly goes. NULL: nothing was done; take back the count and go the slow way. */
void *sampling_due(struct cache *cache, unsigned size_class, size_t requested);

/* Tells the hook of an object that was decided to be sampled. No lock may be held. */
void sampling_record(struct sampling_decision decision, struct span *span, void *object, size_t requested);

/* Lets the fast path allocate from the current span again, unless the rate has changed meanwhile. Owner only. */
void sampling_arm(struct cache *cache, unsigned size_class);

/* A large object draws once for itself. */
void sampling_large(struct span *span, size_t requested);

/* Tells the hook, if the object is recorded, that it is gone, with the slot size at which it was recorded. Any
 * thread; it looks for itself whether it owns the span. */
void sampling_forget(struct span *span, void *object, size_t slot_size);

/* Tells the hook of an object that it knows. */
void sampling_tell_freed(void *object, size_t slot_size);

#endif
