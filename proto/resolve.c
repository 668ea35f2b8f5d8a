/* The last step of reading. The messages of a profile may come in any order (pprof itself writes samples
 * before locations before functions), so ids can become indexes only when all of them are known.
 *
 * resolve_references:
 *   1. string table: there, and long enough for the largest index that was used
 *   2. samples: one value for each sample type
 *   3. locations: mapping ids and function ids -> indexes
 *   4. stacks: location ids -> indexes, in place. Where ids count from 1 they are indexes already, and one comparison
 * says so for all
 *
 * Locks: none. Allocation: none. */
#include "proto/decode.h"

static bool corrupt(struct decoder *decoder, uint64_t offset, const char *text) {
    return proto_fail(decoder->error, PROTO_ERROR_CORRUPT, offset, text);
}

static bool check_strings(struct decoder *decoder, uint64_t end) {
    const struct profile *profile = decoder->builder.profile;
    if (!profile->string_count)
        return corrupt(decoder, end, "the string table is missing");
    if (decoder->largest_string >= profile->string_count)
        return corrupt(decoder, decoder->largest_string_offset, "a string index is past the string table");
    return true;
}

static bool check_values(struct decoder *decoder) {
    const struct profile *profile = decoder->builder.profile;
    if (!profile->sample_count)
        return true;
    if (!profile->sample_type_count)
        return corrupt(decoder, decoder->sample_offsets.words[0], "the profile has samples but no sample types");
    if (decoder->values_per_sample != profile->sample_type_count)
        return corrupt(decoder, decoder->sample_offsets.words[0], "a sample has not one value for each sample type");
    return true;
}

static uint32_t find(const struct decoder *decoder, const struct id_map *map, uint32_t reference) {
    if (reference < REFERENCE_LARGE)
        return id_map_find(map, reference);
    return id_map_find(map, decoder->large_ids.words[reference - REFERENCE_LARGE]);
}

/* A reference that may be absent. */
static bool resolve_optional(const struct decoder *decoder, const struct id_map *map, uint32_t *reference) {
    if (*reference == PROFILE_NONE)
        return true;
    *reference = find(decoder, map, *reference);
    return *reference != PROFILE_NONE;
}

static bool resolve_locations(struct decoder *decoder) {
    struct profile *profile = decoder->builder.profile;
    for (uint32_t i = 0; i < profile->location_count; i++) {
        struct profile_location *location = &profile->locations[i];
        uint64_t offset = decoder->location_offsets.words[i];
        if (!resolve_optional(decoder, &decoder->mappings, &location->mapping))
            return corrupt(decoder, offset, "a location refers to a mapping that does not exist");
        for (uint32_t k = 0; k < location->line_count; k++) {
            struct profile_line *line = &profile->lines[location->first_line + k];
            if (!resolve_optional(decoder, &decoder->functions, &line->function))
                return corrupt(decoder, offset, "a location refers to a function that does not exist");
        }
    }
    return true;
}

static uint32_t find_location(const struct decoder *decoder, uint32_t reference) {
    return find(decoder, &decoder->locations, reference < REFERENCE_LARGE ? reference + 1 : reference);
}

static bool resolve_samples(struct decoder *decoder) {
    struct profile *profile = decoder->builder.profile;
    if (!decoder->locations.has_gaps && decoder->largest_location < decoder->locations.count)
        return true; /* ids count from 1, and all are there */
    for (uint32_t i = 0; i < profile->sample_count; i++) {
        uint32_t *ids = profile->location_ids + profile->samples[i].first_location;
        for (uint32_t k = 0; k < profile->samples[i].location_count; k++) {
            ids[k] = find_location(decoder, ids[k]);
            if (ids[k] == PROFILE_NONE)
                return corrupt(decoder, decoder->sample_offsets.words[i],
                               "a sample refers to a location that does not exist");
        }
    }
    return true;
}

bool resolve_references(struct decoder *decoder, uint64_t end) {
    return check_strings(decoder, end) && check_values(decoder) && resolve_locations(decoder) &&
           resolve_samples(decoder);
}
