/* A set of texts, each kept once and numbered from 0 in the order of arrival. Memory comes from the caller's
 * region; never touches malloc. Not thread safe. */
#ifndef HEAPTAP_PROTO_STRTAB_H
#define HEAPTAP_PROTO_STRTAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/region.h"
#include "proto/hash_index.h"
#include "proto/profile.h"

struct strtab {
    struct region *region;
    struct hash_index index;
    struct profile_string *strings; /* by number */
    uint32_t count, capacity;
    uint64_t seed;
};

/* An empty table; memory comes from `region` at the first text. */
void strtab_init(struct strtab *table, struct region *region);

/* The number of this text, a new one when it was never seen (then *is_new). The text is copied. PROFILE_NONE
 * when the region has no memory left. `is_new` may be NULL. */
string_id strtab_intern(struct strtab *table, const char *text, size_t length, bool *is_new);

#endif
