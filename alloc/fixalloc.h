/* Objects of one fixed size for the allocator's own metadata, from the kernel and never from malloc. Memory is
 * reused for the same kind of object for ever, so a stale pointer to one always points to one of its kind. */
#ifndef HEAPTAP_ALLOC_FIXALLOC_H
#define HEAPTAP_ALLOC_FIXALLOC_H

#include <stddef.h>
#include <stdint.h>

#include "base/lock.h"

struct fixalloc {
    struct lock lock;             /* guards all below */
    uint32_t size;                /* bytes of an object, a multiple of 16 */
    void *free;                   /* freed objects, linked through their first word */
    char *next, *end;             /* rest of the newest block */
    _Atomic uint64_t inuse_bytes; /* written under the lock, read by anybody */
    _Atomic uint64_t sys_bytes;
};

#define FIXALLOC_INIT(bytes)                                                                                           \
    { .lock = LOCK_INIT(RANK_FIXALLOC), .size = (bytes) }

/* Zero-filled, aligned to 64 where the size is a multiple of 64. NULL when the kernel has no memory. */
void *fixalloc_alloc(struct fixalloc *fixalloc);
void fixalloc_free(struct fixalloc *fixalloc, void *object);

#endif
