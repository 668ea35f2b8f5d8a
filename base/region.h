/* A region: memory taken from the kernel in blocks, handed out by moving a pointer, and freed all at once.
 * For what lives and dies together inside the profiled process (one dump) or in a tool (one profile).
 * Never touches malloc. Not thread safe. A region that is all zero is valid and empty. */
#ifndef HEAPTAP_BASE_REGION_H
#define HEAPTAP_BASE_REGION_H

#include <stddef.h>
#include <stdint.h>

struct region_block;

struct region {
    struct region_block *blocks; /* newest first */
    char *next;                  /* next free byte of the newest block */
    char *end;
    size_t limit; /* most bytes it may take from the kernel; 0 = no limit */
    size_t taken; /* bytes taken from the kernel so far */
    size_t first; /* bytes of the first block, where it is known what will be needed; 0 = a few */
};

/* Zero-filled, aligned to 16. NULL when the limit or the kernel says no. */
void *region_alloc(struct region *region, size_t size);
/* Grows an array that region_alloc or this call returned: copies, unless it was the last thing handed out. */
void *region_grow(struct region *region, void *old, size_t old_size, size_t new_size);
/* Grows an array that is all that was taken from this region, or begins one (old = NULL): the kernel moves its pages,
 * so that nothing is copied and no second memory is needed meanwhile. *size, which is needed, becomes what there is. */
void *region_resize(struct region *region, void *old, size_t old_size, size_t *size);
void region_free(struct region *region);

#endif
