/* A free list over blocks of 64 KiB that are touched from one end, so that only what is used has memory behind it.
 *
 * Locks: its own, innermost but for the log. May run inside malloc. */
#include "alloc/fixalloc.h"

#include <string.h>

#include "base/atomic.h"
#include "base/os.h"

enum { BLOCK_BYTES = 64 * 1024 };

static void *take_new_locked(struct fixalloc *fixalloc) {
    lock_assert_held(&fixalloc->lock);
    if ((size_t)(fixalloc->end - fixalloc->next) < fixalloc->size) {
        char *block = os_alloc(BLOCK_BYTES);
        if (!block)
            return NULL;
        fixalloc->next = block;
        fixalloc->end = block + BLOCK_BYTES;
        atomic_bump_by_owner(&fixalloc->sys_bytes, BLOCK_BYTES);
    }
    void *object = fixalloc->next;
    fixalloc->next += fixalloc->size;
    return object;
}

void *fixalloc_alloc(struct fixalloc *fixalloc) {
    lock_acquire(&fixalloc->lock);
    void *object = fixalloc->free;
    bool reused = object != NULL;
    if (reused)
        memcpy(&fixalloc->free, object, sizeof fixalloc->free);
    else
        object = take_new_locked(fixalloc);
    if (object)
        atomic_bump_by_owner(&fixalloc->inuse_bytes, fixalloc->size);
    lock_release(&fixalloc->lock);
    if (reused)
        memset(object, 0, fixalloc->size);
    return object;
}

void fixalloc_free(struct fixalloc *fixalloc, void *object) {
    lock_acquire(&fixalloc->lock);
    memcpy(object, &fixalloc->free, sizeof fixalloc->free);
    fixalloc->free = object;
    atomic_bump_by_owner(&fixalloc->inuse_bytes, -(uint64_t)fixalloc->size);
    lock_release(&fixalloc->lock);
}
