/* Open addressing with linear probing over 32-bit item numbers. The hash of each item is kept, so growth
 * needs no look at the items, and a probe compares 32 bits before the caller compares the item.
 *
 * hash_index_add:
 *   1. grow when the table is half full: arrays of twice the size, every number put back by its kept hash
 *   2. put the number into the first empty slot from hash & mask on
 *
 * Locks: none. Allocation: the caller's region only; what growth leaves behind stays there until the region
 * is freed, at most as much as the table holds. May run inside malloc. */
#include "proto/hash_index.h"

#include <string.h>

#include "base/bits.h"

enum { FIRST_SLOTS = 512 };

uint64_t hash_bytes(const void *bytes, size_t length, uint64_t seed) {
    const unsigned char *p = bytes;
    uint64_t hash = seed ^ (length * 0x9e3779b97f4a7c15ull);
    uint64_t word;
    for (; length >= sizeof word; length -= sizeof word, p += sizeof word) {
        memcpy(&word, p, sizeof word);
        hash = hash64(hash ^ word);
    }
    word = 0;
    if (length)
        memcpy(&word, p, length);
    return hash64(hash ^ word);
}

static void put(struct hash_index *index, uint32_t number) {
    uint32_t slot = index->hashes[number] & index->slot_mask;
    while (index->slots[slot])
        slot = (slot + 1) & index->slot_mask;
    index->slots[slot] = number + 1;
}

static bool grow(struct hash_index *index) {
    size_t slots = index->slots ? ((size_t)index->slot_mask + 1) * 2 : FIRST_SLOTS;
    if (slots > UINT32_MAX)
        return false;
    uint32_t *hashes = region_alloc(index->region, slots / 2 * sizeof *hashes);
    uint32_t *fresh = region_alloc(index->region, slots * sizeof *fresh);
    if (!hashes || !fresh)
        return false;
    if (index->count)
        memcpy(hashes, index->hashes, index->count * sizeof *hashes);
    index->hashes = hashes;
    index->slots = fresh;
    index->slot_mask = (uint32_t)slots - 1;
    index->capacity = (uint32_t)(slots / 2);
    for (uint32_t number = 0; number < index->count; number++)
        put(index, number);
    return true;
}

bool hash_index_add(struct hash_index *index, uint32_t hash) {
    if (index->count == index->capacity && !grow(index))
        return false;
    index->hashes[index->count] = hash;
    put(index, index->count++);
    return true;
}

/* From `*slot` on. */
static uint32_t scan(const struct hash_index *index, uint32_t hash, uint32_t *slot) {
    for (; index->slots[*slot]; *slot = (*slot + 1) & index->slot_mask) {
        uint32_t number = index->slots[*slot] - 1;
        if (index->hashes[number] == hash)
            return number;
    }
    return HASH_INDEX_NONE;
}

uint32_t hash_index_first(const struct hash_index *index, uint32_t hash, uint32_t *slot) {
    *slot = hash & index->slot_mask;
    return index->slots ? scan(index, hash, slot) : HASH_INDEX_NONE;
}

uint32_t hash_index_next(const struct hash_index *index, uint32_t hash, uint32_t *slot) {
    *slot = (*slot + 1) & index->slot_mask;
    return scan(index, hash, slot);
}
