/* Objects on their way back to the thread that owns their span. Two lists of one shape, many pushers and one taker
 * who takes all, so neither suffers from ABA and nobody waits:
 *
 *   head:    object -> object -> ...         linked through the objects; for a thread without a cache
 *   batches: [62 pointers] -> [62 pointers]  what one thread collected for this owner
 *
 * A batch costs one atomic operation for 62 objects. And its taker does not follow links that lie in memory which the
 * other processor has just written: it writes to 62 objects without waiting for any of them. */
#ifndef HEAPTAP_ALLOC_REMOTE_H
#define HEAPTAP_ALLOC_REMOTE_H

#include "alloc/span.h"
#include "base/atomic.h"

enum { REMOTE_BATCH_OBJECTS = 62 };

struct remote_batch {
    struct remote_batch *next;
    uint64_t count;
    void *objects[REMOTE_BATCH_OBJECTS];
};

_Static_assert(sizeof(struct remote_batch) == 512, "whole cache lines");

struct remote_list {
    _Atomic(void *) head;
    _Atomic(struct remote_batch *) batches;
};

void remote_push(struct remote_list *list, void *object);
void remote_push_batch(struct remote_list *list, struct remote_batch *batch);

/* Whether anything is on its way. For the taker. */
static inline bool remote_waits(const struct remote_list *list) {
    return atomic_load_relaxed(&list->head) || atomic_load_relaxed(&list->batches);
}

/* The newest object, or NULL; follow with remote_next. */
void *remote_take_objects(struct remote_list *list);
static inline void *remote_next(const void *object) { return span_link_load(object); }

/* The newest batch, or NULL; follow `next`. */
struct remote_batch *remote_take_batches(struct remote_list *list);

/* Whether the object waits here. Exact for the taker; for others it may miss what moves meanwhile. */
bool remote_holds(struct remote_list *list, const void *object);

/* Batches from the kernel. NULL without memory. */
struct remote_batch *remote_batch_create(void);
void remote_batch_destroy(struct remote_batch *batch);
void remote_memory(uint64_t *inuse, uint64_t *sys);
struct lock *remote_lock(void);

#endif
