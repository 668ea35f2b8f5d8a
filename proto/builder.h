/* Fills a profile whose size is not known beforehand. Each array lies alone in a region of its own and moves
 * when it is full, so the memory in use stays near the memory that holds something. */
#ifndef HEAPTAP_PROTO_BUILDER_H
#define HEAPTAP_PROTO_BUILDER_H

#include <stddef.h>
#include <stdint.h>

#include "base/region.h"
#include "proto/error.h"
#include "proto/profile.h"

/* One array of the profile. */
struct builder_array {
    void **items;       /* the profile's pointer */
    uint32_t *count;    /* the profile's count, or value_count */
    uint32_t capacity;  /* items */
    uint32_t item_size; /* bytes */
};

struct builder {
    struct profile *profile;
    uint64_t max_memory; /* bytes that the profile may take; 0 = no limit */
    struct builder_array arrays[PROFILE_ARRAY_COUNT];
    uint32_t value_count; /* items of profile->values */
    enum proto_error_code failure;
};

/* The profile is all zero, and neither it nor the builder moves from here on. Its arrays are not NULL afterwards,
 * however few items they will hold, so that nobody who adds an index of 0 to one has to ask. */
void builder_init(struct builder *builder, struct profile *profile, uint64_t max_memory);

/* Room for `more` items at the end of the array, which are the caller's to fill; the profile's pointer and
 * count are right afterwards, and earlier pointers into this array are not. NULL and `failure` when there is
 * no memory or the limit is reached. */
static inline void *builder_append(struct builder *builder, enum profile_array array, size_t more);
/* The part of it that gets the room. */
void *builder_append_slow(struct builder *builder, enum profile_array array, size_t more);

static inline void *builder_append(struct builder *builder, enum profile_array array, size_t more) {
    struct builder_array *to = &builder->arrays[array];
    uint32_t count = *to->count;
    if (more > to->capacity - count)
        return builder_append_slow(builder, array, more);
    *to->count = count + (uint32_t)more;
    return (char *)*to->items + (size_t)count * to->item_size;
}

/* A copy of the text, NUL terminated, as a new entry of profile->strings. False and `failure` as above. */
bool builder_append_string(struct builder *builder, const char *text, size_t length);

/* What failed, as an error at this offset; returns false. */
bool builder_fail(const struct builder *builder, struct proto_error *error, uint64_t offset);

/* Grows an array that lies alone in `region`: `used` of its bytes are kept, `need` will fit, `*capacity`
 * bytes is what fits then. NULL when there is no memory, and the array is as it was. */
void *builder_grow_array(struct region *region, void *items, size_t used, size_t need, size_t *capacity);

#endif
