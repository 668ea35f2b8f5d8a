/* Blocks double from 64 KiB to 4 MiB, so a small profile stays small and a large one makes few calls. Giving a block
 * back interrupts every thread of the process: who runs beside the program's threads asks for one block that is enough.
 *
 *   block:  | header | used ............ | free |
 *                                        ^next  ^end
 */
#include "base/region.h"

#include <assert.h>
#include <string.h>

#include "base/bits.h"
#include "base/check.h"
#include "base/os.h"

enum { ALIGNMENT = 16, FIRST_BLOCK = 64 * 1024, LARGEST_BLOCK = 4 * 1024 * 1024 };

struct region_block {
    struct region_block *next;
    size_t size;
};

static_assert(sizeof(struct region_block) % ALIGNMENT == 0, "the header keeps the alignment");

static bool add_block(struct region *region, size_t need) {
    size_t first = region->first ? align_up(region->first, os_page_size()) : FIRST_BLOCK;
    size_t size = region->blocks ? region->blocks->size * 2 : first;
    if (size > LARGEST_BLOCK)
        size = LARGEST_BLOCK;
    if (size < need + sizeof(struct region_block))
        size = align_up(need + sizeof(struct region_block), os_page_size());
    if (region->limit && (size > region->limit || region->taken > region->limit - size))
        return false;
    struct region_block *block = os_alloc(size);
    if (!block)
        return false;
    block->next = region->blocks;
    block->size = size;
    region->blocks = block;
    region->next = (char *)(block + 1);
    region->end = (char *)block + size;
    region->taken += size;
    return true;
}

void *region_alloc(struct region *region, size_t size) {
    if (size > SIZE_MAX / 2)
        return NULL;
    size = align_up(size ? size : 1, ALIGNMENT);
    if ((size_t)(region->end - region->next) < size && !add_block(region, size))
        return NULL;
    void *p = region->next;
    region->next += size;
    return p;
}

void *region_grow(struct region *region, void *old, size_t old_size, size_t new_size) {
    size_t old_rounded = align_up(old_size, ALIGNMENT);
    bool is_last = old && (char *)old + old_rounded == region->next;
    if (is_last && new_size <= (size_t)(region->end - (char *)old)) {
        region->next = (char *)old + align_up(new_size, ALIGNMENT);
        if (region->next > region->end)
            region->next = region->end;
        return old;
    }
    void *p = region_alloc(region, new_size);
    if (p && old)
        memcpy(p, old, old_size);
    return p;
}

void *region_resize(struct region *region, void *old, size_t old_size, size_t *size) {
    struct region_block *block = region->blocks;
    size_t need = *size;
    if (need > SIZE_MAX / 2)
        return NULL;
    if (!block) {
        if (!add_block(region, need))
            return NULL;
        block = region->blocks;
    }
    CHECK(!block->next && (!old || (old == block + 1 && old_size <= need)));
    if (need > block->size - sizeof *block) {
        size_t whole = align_up(need + sizeof *block, os_page_size());
        if (region->limit && whole > region->limit)
            return NULL;
        block = os_grow(block, block->size, whole);
        if (!block)
            return NULL;
        region->blocks = block;
        region->taken = block->size = whole;
    }
    region->next = region->end = (char *)block + block->size;
    *size = block->size - sizeof *block;
    return block + 1;
}

void region_free(struct region *region) {
    for (struct region_block *block = region->blocks, *next; block; block = next) {
        next = block->next;
        os_free(block, block->size);
    }
    *region = (struct region){.limit = region->limit, .first = region->first};
}
