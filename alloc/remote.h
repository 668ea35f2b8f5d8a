/* Objects that came back from other threads: a stack with many pushers and one taker, linked through the objects.
 * Nobody waits. The taker takes all, so the stack cannot suffer from ABA. */
#ifndef HEAPTAP_ALLOC_REMOTE_H
#define HEAPTAP_ALLOC_REMOTE_H

#include "alloc/span.h"
#include "base/atomic.h"

struct remote_list {
    _Atomic(void *) head;
};

static inline void remote_push(struct remote_list *list, void *object) {
    void *head = atomic_load_relaxed(&list->head);
    do {
        span_link_store(object, head);
    } while (!atomic_cas_weak_release(&list->head, &head, object));
}

/* The newest object, or NULL; follow with remote_next. */
static inline void *remote_take_all(struct remote_list *list) {
    if (!atomic_load_relaxed(&list->head))
        return NULL;
    return atomic_swap_acquire(&list->head, NULL);
}

static inline void *remote_next(const void *object) { return span_link_load(object); }

#endif
