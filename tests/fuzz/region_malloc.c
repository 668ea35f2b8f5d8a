/* base/region.h on malloc, one block for each allocation, so that AddressSanitizer sees a step past the end
 * of any of them, which it could not inside the blocks of the real region. Linked into fuzz targets instead
 * of base/region.c. */
#include "base/region.h"

#include <stdlib.h>
#include <string.h>

struct region_block {
    struct region_block *next;
    size_t size;
    _Alignas(16) char bytes[];
};

void *region_alloc(struct region *region, size_t size) {
    size_t whole = sizeof(struct region_block) + size;
    if (size > SIZE_MAX / 2 || (region->limit && (whole > region->limit || region->taken > region->limit - whole)))
        return NULL;
    struct region_block *block = calloc(1, whole);
    if (!block)
        return NULL;
    block->next = region->blocks;
    block->size = size;
    region->blocks = block;
    region->taken += whole;
    return block->bytes;
}

void *region_grow(struct region *region, void *old, size_t old_size, size_t new_size) {
    void *p = region_alloc(region, new_size);
    if (p && old_size)
        memcpy(p, old, old_size < new_size ? old_size : new_size);
    return p;
}

void *region_resize(struct region *region, void *old, size_t old_size, size_t *size) {
    struct region fresh = {.limit = region->limit};
    void *p = region_alloc(&fresh, *size);
    if (!p)
        return NULL;
    if (old)
        memcpy(p, old, old_size);
    region_free(region);
    *region = fresh;
    return p;
}

void region_free(struct region *region) {
    for (struct region_block *block = region->blocks, *next; block; block = next) {
        next = block->next;
        free(block);
    }
    *region = (struct region){.limit = region->limit};
}
