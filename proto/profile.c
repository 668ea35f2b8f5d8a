/* The profile model itself: how it ends, and the one search that every consumer needs.
 *
 * Locks: none. Allocation: only frees. */
#include "proto/profile.h"

#include <string.h>

void profile_free(struct profile *profile) {
    region_free(&profile->region);
    for (unsigned i = 0; i < PROFILE_ARRAY_COUNT; i++)
        region_free(&profile->arrays[i]);
    *profile = (struct profile){0};
}

uint32_t profile_find_sample_type(const struct profile *profile, const char *type) {
    for (uint32_t i = 0; i < profile->sample_type_count; i++) {
        if (strcmp(profile_text(profile, profile->sample_types[i].type), type) == 0)
            return i;
    }
    return PROFILE_NONE;
}
