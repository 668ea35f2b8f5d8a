/* Spans that no thread owns, by size class: what threads left behind when they ended. A thread that needs a span
 * of the class adopts one here before it asks the page heap. Thread safe; one lock a class. */
#ifndef HEAPTAP_ALLOC_CENTRAL_H
#define HEAPTAP_ALLOC_CENTRAL_H

#include "alloc/page_heap.h"

/* A partial span, in no list, owned from now on by `owner`; NULL without one. */
struct span *central_take(unsigned size_class, uintptr_t owner);

/* The owner's span, in no list, of which so many objects are handed out, becomes nobody's; an empty one goes back to
 * the page heap. */
void central_give(struct span *span, uint32_t handed_out);

/* As central_give for a span whose free list cannot be believed (its thread vanished in a fork): its free slots are
 * lost, its objects can still be freed. Does nothing when `owner` does not own it any more. */
void central_seize(struct span *span, uintptr_t owner);

/* Frees an object of a span that nobody owns. False when somebody adopted it meanwhile. */
bool central_free(struct span *span, void *object);

void central_locks_each(void (*visit)(struct lock *));

#endif
