/* Growing arrays without their dead copies: a region never gives back a part of itself, so arrays that double
 * in one region leave as much behind as they hold. Here each array has a region to itself, whose pages the
 * kernel moves when there is no room behind them: no byte is copied, and no page is touched twice, which with a page's
 * first touch at a microsecond was a fifth of a reading. Pages that were never touched cost nothing, so the room at the
 * end is free of charge.
 *
 * builder_append:
 *   1. room left: count up and return
 *   2. compute the new capacity: twice as large, or half as large again from 16 MiB
 *   3. refuse when all of the profile's memory together would pass the limit
 *   4. resize the array's region
 *
 * Locks: none. Allocation: regions only. */
#include "proto/builder.h"

#include <string.h>

#include "base/check.h"

enum { SMALLEST_CAPACITY = 4096, SLOWER_GROWTH_FROM = 16 * 1024 * 1024 };

/* Where the pointer and the count of an array are in struct profile. */
struct array_place {
    size_t items, count, item_size;
};

#define PLACE(field, counter)                                                                                          \
    { offsetof(struct profile, field), offsetof(struct profile, counter), sizeof(*((struct profile *)0)->field) }

static const struct array_place places[PROFILE_ARRAY_COUNT] = {
    [PROFILE_STRINGS] = PLACE(strings, string_count),
    [PROFILE_SAMPLE_TYPES] = PLACE(sample_types, sample_type_count),
    [PROFILE_MAPPINGS] = PLACE(mappings, mapping_count),
    [PROFILE_FUNCTIONS] = PLACE(functions, function_count),
    [PROFILE_LOCATIONS] = PLACE(locations, location_count),
    [PROFILE_LINES] = PLACE(lines, line_count),
    [PROFILE_SAMPLES] = PLACE(samples, sample_count),
    [PROFILE_LOCATION_IDS] = PLACE(location_ids, location_id_count),
    [PROFILE_LABELS] = PLACE(labels, label_count),
    [PROFILE_VALUES] = {offsetof(struct profile, values), 0, sizeof(int64_t)},
    [PROFILE_COMMENTS] = PLACE(comments, comment_count),
};

void builder_init(struct builder *builder, struct profile *profile, uint64_t max_memory) {
    static _Alignas(16) char no_items[16]; /* never written: it has room for none */
    *builder = (struct builder){.profile = profile, .max_memory = max_memory};
    for (unsigned i = 0; i < PROFILE_ARRAY_COUNT; i++) {
        struct builder_array *array = &builder->arrays[i];
        array->items = (void **)((char *)profile + places[i].items);
        array->count = i == PROFILE_VALUES ? &builder->value_count : (uint32_t *)((char *)profile + places[i].count);
        array->item_size = (uint32_t)places[i].item_size;
        *array->items = no_items;
    }
}

static size_t next_capacity(size_t capacity, size_t need) {
    size_t grown = capacity < SLOWER_GROWTH_FROM ? capacity * 2 : capacity + capacity / 2;
    if (grown < need)
        grown = need;
    return grown < SMALLEST_CAPACITY ? SMALLEST_CAPACITY : grown;
}

void *builder_grow_array(struct region *region, void *items, size_t used, size_t need, size_t *capacity) {
    size_t size = next_capacity(*capacity, need);
    void *moved = region_resize(region, *capacity ? items : NULL, used, &size);
    if (moved)
        *capacity = size;
    return moved;
}

/* Bytes of all the arrays but one, and of the texts. */
static uint64_t taken_without(const struct profile *profile, enum profile_array array) {
    uint64_t taken = profile->region.taken;
    for (unsigned i = 0; i < PROFILE_ARRAY_COUNT; i++)
        taken += i == array ? 0 : profile->arrays[i].taken;
    return taken;
}

static bool within_limit(struct builder *builder, uint64_t bytes) {
    if (!builder->max_memory || bytes <= builder->max_memory)
        return true;
    builder->failure = PROTO_ERROR_LIMIT;
    return false;
}

static bool grow(struct builder *builder, enum profile_array which, uint64_t need) {
    struct profile *profile = builder->profile;
    struct builder_array *array = &builder->arrays[which];
    size_t item_size = array->item_size, capacity = (size_t)array->capacity * item_size;
    if (need >= PROFILE_NONE) {
        builder->failure = PROTO_ERROR_LIMIT;
        return false;
    }
    uint64_t size = next_capacity(capacity, need * item_size);
    if (!within_limit(builder, taken_without(profile, which) + size))
        return false;
    size_t used = (size_t)*array->count * item_size;
    void *grown = builder_grow_array(&profile->arrays[which], *array->items, used, need * item_size, &capacity);
    if (!grown) {
        builder->failure = PROTO_ERROR_MEMORY;
        return false;
    }
    *array->items = grown;
    size_t fits = capacity / item_size;
    array->capacity = fits < PROFILE_NONE ? (uint32_t)fits : PROFILE_NONE - 1;
    return true;
}

void *builder_append_slow(struct builder *builder, enum profile_array array, size_t more) {
    if (more < PROFILE_NONE && grow(builder, array, (uint64_t)*builder->arrays[array].count + more))
        return builder_append(builder, array, more);
    builder->failure = builder->failure ? builder->failure : PROTO_ERROR_LIMIT;
    return NULL;
}

bool builder_append_string(struct builder *builder, const char *text, size_t length) {
    struct profile *profile = builder->profile;
    if (!within_limit(builder, taken_without(profile, PROFILE_ARRAY_COUNT) + length))
        return false;
    char *copy = length < UINT32_MAX ? region_alloc(&profile->region, length + 1) : NULL;
    if (!copy) {
        builder->failure = PROTO_ERROR_MEMORY;
        return false;
    }
    memcpy(copy, text, length); /* the region is zero-filled: the NUL is there */
    struct profile_string *string = builder_append(builder, PROFILE_STRINGS, 1);
    if (!string)
        return false;
    *string = (struct profile_string){copy, (uint32_t)length};
    return true;
}

bool builder_fail(const struct builder *builder, struct proto_error *error, uint64_t offset) {
    if (builder->failure == PROTO_ERROR_LIMIT)
        return proto_fail(error, PROTO_ERROR_LIMIT, offset, "the profile needs more memory than is allowed");
    return proto_fail(error, PROTO_ERROR_MEMORY, offset, "out of memory");
}
