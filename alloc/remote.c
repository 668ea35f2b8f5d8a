/* Locks: fixalloc's, for batches. May run inside malloc. */
#include "alloc/remote.h"

#include "alloc/arena_map.h"
#include "alloc/fixalloc.h"

enum { WALK_MOST = 1 << 20 };

static struct fixalloc batches = FIXALLOC_INIT(sizeof(struct remote_batch));

void remote_push(struct remote_list *list, void *object) {
    void *head = atomic_load_relaxed(&list->head);
    do {
        span_link_store(object, head);
    } while (!atomic_cas_weak_release(&list->head, &head, object));
}

void remote_push_batch(struct remote_list *list, struct remote_batch *batch) {
    struct remote_batch *head = atomic_load_relaxed(&list->batches);
    do {
        batch->next = head;
    } while (!atomic_cas_weak_release(&list->batches, &head, batch));
}

void *remote_take_objects(struct remote_list *list) {
    return atomic_load_relaxed(&list->head) ? atomic_swap_acquire(&list->head, NULL) : NULL;
}

struct remote_batch *remote_take_batches(struct remote_list *list) {
    return atomic_load_relaxed(&list->batches) ? atomic_swap_acquire(&list->batches, NULL) : NULL;
}

bool remote_holds(struct remote_list *list, const void *object) {
    if (arena_map_list_holds(atomic_load_acquire(&list->head), object, WALK_MOST))
        return true;
    /* Batches are never unmapped, so a stale one is only misleading, and then by omission. */
    for (struct remote_batch *b = atomic_load_acquire(&list->batches); b; b = b->next)
        for (uint64_t i = 0; i < b->count && i < REMOTE_BATCH_OBJECTS; i++)
            if (b->objects[i] == object)
                return true;
    return false;
}

struct remote_batch *remote_batch_create(void) {
    return fixalloc_alloc(&batches);
}
void remote_batch_destroy(struct remote_batch *batch) { fixalloc_free(&batches, batch); }

void remote_memory(uint64_t *inuse, uint64_t *sys) {
    *inuse = atomic_load_relaxed(&batches.inuse_bytes);
    *sys = atomic_load_relaxed(&batches.sys_bytes);
}

struct lock *remote_lock(void) {
    return &batches.lock;
}
