/* Three sets over the arrays of a profile. A set numbers its members in the order of arrival, which is the
 * order in which the builder appends them, so a number is the index.
 *
 * Locks: none. Allocation: regions only. */
#include "proto/legacy_profile.h"

#include <string.h>

/* One function for each name in each file, as in a symbol table. */
struct function_key {
    string_id name, filename;
};

bool legacy_profile_open(struct legacy_profile *legacy, struct profile *profile, uint64_t max_memory,
                         struct proto_error *error) {
    *legacy = (struct legacy_profile){
        .scratch.limit = max_memory, .max_memory = max_memory, .error = error, .at_zero = PROFILE_NONE};
    builder_init(&legacy->builder, profile, max_memory);
    strtab_init(&legacy->strings, &legacy->scratch);
    strtab_init(&legacy->functions, &legacy->scratch);
    id_map_init(&legacy->locations);
    return legacy_profile_string(legacy, "", 0) != PROFILE_NONE;
}

void legacy_profile_close(struct legacy_profile *legacy) {
    id_map_free(&legacy->locations);
    region_free(&legacy->scratch);
}

bool legacy_profile_corrupt(struct legacy_profile *legacy, const char *text) {
    return proto_fail(legacy->error, PROTO_ERROR_CORRUPT, legacy->offset, text);
}

bool legacy_profile_no_room(struct legacy_profile *legacy) {
    return builder_fail(&legacy->builder, legacy->error, legacy->offset);
}

/* One of the sets has no room: it was the limit unless it was the system. */
static uint32_t set_is_full(struct legacy_profile *legacy) {
    bool is_limit = legacy->max_memory && legacy->scratch.taken > legacy->max_memory / 2;
    legacy->builder.failure = is_limit ? PROTO_ERROR_LIMIT : PROTO_ERROR_MEMORY;
    legacy_profile_no_room(legacy);
    return PROFILE_NONE;
}

string_id legacy_profile_string(struct legacy_profile *legacy, const char *text, size_t length) {
    bool is_new;
    string_id id = strtab_intern(&legacy->strings, text, length, &is_new);
    if (id == PROFILE_NONE)
        return set_is_full(legacy);
    if (is_new && !builder_append_string(&legacy->builder, text, length)) {
        legacy_profile_no_room(legacy);
        return PROFILE_NONE;
    }
    return id;
}

uint32_t legacy_profile_function(struct legacy_profile *legacy, string_id name, string_id filename) {
    const struct function_key key = {name, filename};
    bool is_new;
    uint32_t index = strtab_intern(&legacy->functions, (const char *)&key, sizeof key, &is_new);
    if (index == PROFILE_NONE)
        return set_is_full(legacy);
    struct profile_function *function = is_new ? builder_append(&legacy->builder, PROFILE_FUNCTIONS, 1) : NULL;
    if (function)
        *function = (struct profile_function){.name = name, .system_name = name, .filename = filename};
    else if (is_new) {
        legacy_profile_no_room(legacy);
        return PROFILE_NONE;
    }
    return index;
}

uint32_t legacy_profile_find_location(const struct legacy_profile *legacy, uint64_t return_address) {
    return return_address ? id_map_find(&legacy->locations, return_address) : legacy->at_zero;
}

uint32_t legacy_profile_location(struct legacy_profile *legacy, uint64_t return_address) {
    uint32_t index = legacy_profile_find_location(legacy, return_address);
    if (index != PROFILE_NONE)
        return index;
    index = legacy->builder.profile->location_count;
    struct profile_location *location = builder_append(&legacy->builder, PROFILE_LOCATIONS, 1);
    if (!location) {
        legacy_profile_no_room(legacy);
        return PROFILE_NONE;
    }
    *location = (struct profile_location){.address = return_address - 1, .mapping = PROFILE_NONE};
    if (!return_address)
        legacy->at_zero = index;
    else if (id_map_add(&legacy->locations, return_address, index) != ID_MAP_ADDED)
        return set_is_full(legacy);
    return index;
}

bool legacy_profile_sample_type(struct legacy_profile *legacy, const char *type, const char *unit) {
    struct profile_value_type both = {legacy_profile_string(legacy, type, strlen(type)), 0};
    both.unit = both.type == PROFILE_NONE ? PROFILE_NONE : legacy_profile_string(legacy, unit, strlen(unit));
    if (both.unit == PROFILE_NONE)
        return false;
    struct profile_value_type *place = builder_append(&legacy->builder, PROFILE_SAMPLE_TYPES, 1);
    if (!place)
        return legacy_profile_no_room(legacy);
    *place = both;
    return true;
}
