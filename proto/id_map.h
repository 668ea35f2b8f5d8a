/* From the 64-bit ids of a file to dense indexes. Ids may be sparse and hostile: the memory in use is in
 * proportion to the number of ids, never to their size. Not thread safe. */
#ifndef HEAPTAP_PROTO_ID_MAP_H
#define HEAPTAP_PROTO_ID_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/region.h"

struct id_slot {
    uint64_t id; /* 0 = empty */
    uint32_t index;
};

struct id_map {
    struct region direct_region, slot_region; /* one array each */
    uint32_t *direct;                         /* by id: index + 1, or 0; for small ids */
    size_t direct_count;
    struct id_slot *slots; /* the other ids: open addressing, at most half full */
    size_t slot_mask, slot_used;
    uint32_t count; /* ids in both */
    bool has_gaps;  /* some id is not its index + 1: else a lookup is a subtraction */
    uint64_t seed;
};

enum id_map_result { ID_MAP_ADDED, ID_MAP_ZERO, ID_MAP_TWICE, ID_MAP_NO_MEMORY };

void id_map_init(struct id_map *map);
enum id_map_result id_map_add(struct id_map *map, uint64_t id, uint32_t index);
void id_map_free(struct id_map *map);
/* The part of id_map_find behind the array. */
uint32_t id_map_find_slow(const struct id_map *map, uint64_t id);

/* PROFILE_NONE for an id that was never added. */
static inline uint32_t id_map_find(const struct id_map *map, uint64_t id) {
    if (id < map->direct_count && map->direct[id])
        return map->direct[id] - 1;
    return id_map_find_slow(map, id);
}

#endif
