/* Two tables. Nearly every producer counts its ids from 1, and then a lookup is one load from an array that
 * is indexed by the id; a stack of 40 frames is 40 such loads. What does not fit there goes to a hash table.
 *
 * id_map_add:
 *   1. an id below 4 * ids + 1024 belongs to the array, which grows to hold it
 *   2. any other goes to the hash table, which is never more than half full
 * An id that came early and large may lie in the hash table although the array has grown past it since, so
 * lookup asks the array first and then the hash table, unless that is empty.
 *
 * Locks: none. Allocation: regions only. */
#include "proto/id_map.h"

#include <string.h>

#include "base/bits.h"
#include "base/rand.h"
#include "proto/builder.h"
#include "proto/profile.h"

enum { DIRECT_FIRST = 1024, DIRECT_FACTOR = 4, SLOTS_FIRST = 1024 };

void id_map_init(struct id_map *map) { *map = (struct id_map){.seed = rand_entropy()}; }

void id_map_free(struct id_map *map) {
    region_free(&map->direct_region);
    region_free(&map->slot_region);
    *map = (struct id_map){0};
}

/* The slot of this id, or the empty one where it would go. */
static struct id_slot *probe(struct id_slot *slots, size_t mask, uint64_t id, uint64_t seed) {
    size_t at = hash64(id ^ seed) & mask;
    while (slots[at].id && slots[at].id != id)
        at = (at + 1) & mask;
    return &slots[at];
}

uint32_t id_map_find_slow(const struct id_map *map, uint64_t id) {
    if (!map->slots || !id)
        return PROFILE_NONE;
    const struct id_slot *slot = probe(map->slots, map->slot_mask, id, map->seed);
    return slot->id ? slot->index : PROFILE_NONE;
}

static bool grow_direct(struct id_map *map, uint64_t id) {
    size_t capacity = map->direct_count * sizeof *map->direct;
    size_t need = (id + 1) * sizeof *map->direct;
    uint32_t *direct = builder_grow_array(&map->direct_region, map->direct, capacity, need, &capacity);
    if (!direct)
        return false;
    map->direct = direct;
    map->direct_count = capacity / sizeof *map->direct;
    return true;
}

static bool grow_slots(struct id_map *map) {
    size_t count = map->slots ? (map->slot_mask + 1) * 2 : SLOTS_FIRST;
    struct region fresh = {0};
    struct id_slot *slots = region_alloc(&fresh, count * sizeof *slots);
    if (!slots)
        return false;
    for (size_t i = 0; map->slots && i <= map->slot_mask; i++) {
        if (map->slots[i].id)
            *probe(slots, count - 1, map->slots[i].id, map->seed) = map->slots[i];
    }
    region_free(&map->slot_region);
    map->slot_region = fresh;
    map->slots = slots;
    map->slot_mask = count - 1;
    return true;
}

enum id_map_result id_map_add(struct id_map *map, uint64_t id, uint32_t index) {
    if (!id)
        return ID_MAP_ZERO;
    if (id_map_find(map, id) != PROFILE_NONE)
        return ID_MAP_TWICE;
    map->count++;
    map->has_gaps |= id != (uint64_t)index + 1;
    if (id < DIRECT_FIRST + (uint64_t)map->count * DIRECT_FACTOR) {
        if (id >= map->direct_count && !grow_direct(map, id))
            return ID_MAP_NO_MEMORY;
        map->direct[id] = index + 1;
        return ID_MAP_ADDED;
    }
    if ((!map->slots || map->slot_used * 2 > map->slot_mask) && !grow_slots(map))
        return ID_MAP_NO_MEMORY;
    *probe(map->slots, map->slot_mask, id, map->seed) = (struct id_slot){id, index};
    map->slot_used++;
    return ID_MAP_ADDED;
}
