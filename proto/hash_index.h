/* The hashing half of a set whose items the caller keeps in an array, numbered from 0: it finds the numbers
 * of the items with a given hash, and the caller compares. Memory comes from the caller's region. Not thread
 * safe. */
#ifndef HEAPTAP_PROTO_HASH_INDEX_H
#define HEAPTAP_PROTO_HASH_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/region.h"

struct hash_index {
    struct region *region;
    uint32_t *hashes; /* by number */
    uint32_t *slots;  /* number + 1, or 0 */
    uint32_t count, capacity;
    uint32_t slot_mask; /* slots - 1; capacity = half the slots, so a probe always ends */
};

#define HASH_INDEX_NONE UINT32_MAX

/* The first item with this hash, and the next one after it: HASH_INDEX_NONE when there is none. `*slot` is
 * the position between the two calls. */
uint32_t hash_index_first(const struct hash_index *index, uint32_t hash, uint32_t *slot);
uint32_t hash_index_next(const struct hash_index *index, uint32_t hash, uint32_t *slot);

/* Adds item number `count`. False when the region has no memory left. */
bool hash_index_add(struct hash_index *index, uint32_t hash);

/* A hash of bytes: not for secrets, but seeded, so that a hostile file cannot choose what collides. */
uint64_t hash_bytes(const void *bytes, size_t length, uint64_t seed);

#endif
