/* A set of texts, each kept once and numbered from 0 in the order of arrival: open addressing over a region.
 * Never touches malloc. Not thread safe. */
#ifndef HEAPTAP_PROTO_STRTAB_H
#define HEAPTAP_PROTO_STRTAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/region.h"
#include "proto/profile.h"

struct strtab {
    struct region *region;
    struct profile_string *strings; /* by number */
    uint32_t *hashes;               /* by number */
    uint32_t *slots;                /* number + 1, or 0 */
    uint32_t count, capacity;
    uint32_t slot_mask; /* slots - 1; capacity = half the slots, so a probe always ends */
    uint64_t seed;
};

/* An empty table; memory comes from `region` at the first text. */
void strtab_init(struct strtab *table, struct region *region);

/* The number of this text, a new one when it was never seen (then *is_new). The text is copied. PROFILE_NONE
 * when the region has no memory left. `is_new` may be NULL. */
string_id strtab_intern(struct strtab *table, const char *text, size_t length, bool *is_new);

/* The hash behind it, for other tables of bytes: not for secrets, but seeded, so that a hostile file cannot
 * choose texts that collide. */
uint64_t strtab_hash(const void *bytes, size_t length, uint64_t seed);

#endif
