/* Messages to model. Samples, locations and functions are decoded by hand, because nearly all bytes of a large profile
 * are in them: they go straight into the model's flat arrays, where protobuf-c first builds a tree of each message,
 * with an array of 64-bit ids for each sample, which takes three times as long. The other messages are few, and
 * protobuf-c unpacks them from a small arena.
 *
 * decode_sample:
 *   1. walk the fields; unknown ones are skipped
 *   2. packed ids: decode a block of them at a time (varints.c), and append each block
 *   3. values and labels likewise; all of one sample are next to each other, because only one sample is
 * decoded at a time
 *   4. the number of values must be that of the first sample
 *
 * Everything in a message is checked here, but for what depends on messages that may come later (resolve.c).
 *
 * Locks: none. Allocation: regions only. */
#include "proto/decode.h"

#include <string.h>

#include "base/bits.h"
#include "profile.pb-c.h"
#include "proto/varints.h"
#include "proto/wire.h"

enum { LARGE_IDS_MAX = INT32_MAX - 1, UNPACKED_MAX = 1024 * 1024 };

static bool corrupt(struct decoder *decoder, const char *text) {
    return proto_fail(decoder->error, PROTO_ERROR_CORRUPT, decoder->offset, text);
}

static bool no_memory(struct decoder *decoder) {
    return proto_fail(decoder->error, PROTO_ERROR_MEMORY, decoder->offset, "out of memory");
}

static bool no_room(struct decoder *decoder) {
    return builder_fail(&decoder->builder, decoder->error, decoder->offset);
}

bool decoder_init(struct decoder *decoder, struct region *region, struct profile *profile, uint64_t max_memory,
                  struct proto_error *error) {
    *decoder = (struct decoder){
        .error = error,
        .arena.bytes = region_alloc(region, DECODE_ARENA_SIZE),
    };
    builder_init(&decoder->builder, profile, max_memory);
    id_map_init(&decoder->mappings);
    id_map_init(&decoder->functions);
    id_map_init(&decoder->locations);
    return decoder->arena.bytes || no_memory(decoder);
}

void decoder_free(struct decoder *decoder) {
    id_map_free(&decoder->mappings);
    id_map_free(&decoder->functions);
    id_map_free(&decoder->locations);
    region_free(&decoder->large_ids.region);
    region_free(&decoder->sample_offsets.region);
    region_free(&decoder->location_offsets.region);
    region_free(&decoder->arena.spill);
}

static bool push_word(struct decoder *decoder, struct word_list *list, uint64_t word) {
    size_t used = list->count * sizeof word;
    if (used + sizeof word > list->capacity) {
        void *words = builder_grow_array(&list->region, list->words, used, used + sizeof word, &list->capacity);
        if (!words)
            return no_memory(decoder);
        list->words = words;
    }
    list->words[list->count++] = word;
    return true;
}

static bool store_reference(struct decoder *decoder, uint64_t id, uint32_t *reference) {
    if (id < REFERENCE_LARGE) {
        *reference = id ? (uint32_t)id : PROFILE_NONE;
        return true;
    }
    if (decoder->large_ids.count >= LARGE_IDS_MAX)
        return proto_fail(decoder->error, PROTO_ERROR_LIMIT, decoder->offset, "too many large ids");
    *reference = (uint32_t)(REFERENCE_LARGE + decoder->large_ids.count);
    return push_word(decoder, &decoder->large_ids, id);
}

bool decode_string_index(struct decoder *decoder, uint64_t index, string_id *id) {
    if (index >= PROFILE_NONE)
        return corrupt(decoder, "a string index is past the string table");
    if (index > decoder->largest_string) {
        decoder->largest_string = index;
        decoder->largest_string_offset = decoder->offset;
    }
    *id = (string_id)index;
    return true;
}

/* Counts the new entry, or says what is wrong with its id. */
static bool add_id(struct decoder *decoder, struct id_map *map, uint64_t id, uint32_t index, const char *zero,
                   const char *twice) {
    switch (id_map_add(map, id, index)) {
    case ID_MAP_ZERO:
        return corrupt(decoder, zero);
    case ID_MAP_TWICE:
        return corrupt(decoder, twice);
    case ID_MAP_NO_MEMORY:
        return no_memory(decoder);
    default:
        return true;
    }
}

/* One field of a message that is decoded by hand. */
struct field {
    uint64_t number;
    unsigned type;
    uint64_t value;                   /* WIRE_VARINT */
    const unsigned char *begin, *end; /* the bytes of the value, whatever its type */
};

static bool next_field(const unsigned char **p, const unsigned char *end, struct field *field) {
    uint64_t tag, size = 0;
    if (!wire_get_varint(p, end, &tag) || tag >> 3 == 0)
        return false;
    field->number = tag >> 3;
    field->type = tag & 7;
    field->begin = *p;
    switch (field->type) {
    case WIRE_VARINT:
        if (!wire_get_varint(p, end, &field->value))
            return false;
        break;
    case WIRE_BYTES:
        if (!wire_get_varint(p, end, &size))
            return false;
        field->begin = *p;
        break;
    case WIRE_FIXED64:
        size = 8;
        break;
    case WIRE_FIXED32:
        size = 4;
        break;
    default:
        return false;
    }
    if (size > (size_t)(end - *p))
        return false;
    *p += size;
    field->end = *p;
    return true;
}

static void *arena_alloc(void *context, size_t size) {
    struct decode_arena *arena = context;
    size_t rounded = align_up(size, 16);
    if (rounded > DECODE_ARENA_SIZE - arena->used)
        return region_alloc(&arena->spill, size);
    void *p = arena->bytes + arena->used;
    arena->used += rounded;
    return p;
}

static void arena_free(void *context, void *p) {
    (void)context;
    (void)p;
}

/* The message lives until the next call. NULL and *error when it is malformed. */
static void *unpack(struct decoder *decoder, const ProtobufCMessageDescriptor *descriptor, const unsigned char *bytes,
                    size_t size, const char *malformed) {
    ProtobufCAllocator allocator = {arena_alloc, arena_free, &decoder->arena};
    decoder->arena.used = 0;
    if (decoder->arena.spill.taken)
        region_free(&decoder->arena.spill);
    if (size > UNPACKED_MAX) {
        proto_fail(decoder->error, PROTO_ERROR_LIMIT, decoder->offset, "a message is larger than is allowed");
        return NULL;
    }
    void *message = protobuf_c_message_unpack(descriptor, &allocator, size, bytes);
    if (!message)
        corrupt(decoder, malformed);
    return message;
}

bool decode_value_type(struct decoder *decoder, const unsigned char *bytes, size_t size,
                       struct profile_value_type *type) {
    const Perftools__Profiles__ValueType *message =
        unpack(decoder, &perftools__profiles__value_type__descriptor, bytes, size, "a value type is malformed");
    return message && decode_string_index(decoder, (uint64_t)message->type, &type->type) &&
           decode_string_index(decoder, (uint64_t)message->unit, &type->unit);
}

bool decode_sample_type(struct decoder *decoder, const unsigned char *bytes, size_t size) {
    struct profile_value_type *type = builder_append(&decoder->builder, PROFILE_SAMPLE_TYPES, 1);
    return type ? decode_value_type(decoder, bytes, size, type) : no_room(decoder);
}

bool decode_mapping(struct decoder *decoder, const unsigned char *bytes, size_t size) {
    const Perftools__Profiles__Mapping *message =
        unpack(decoder, &perftools__profiles__mapping__descriptor, bytes, size, "a mapping is malformed");
    if (!message || !add_id(decoder, &decoder->mappings, message->id, decoder->mappings.count, "a mapping has the id 0",
                            "two mappings have the same id"))
        return false;
    struct profile_mapping *mapping = builder_append(&decoder->builder, PROFILE_MAPPINGS, 1);
    if (!mapping)
        return no_room(decoder);
    *mapping = (struct profile_mapping){
        .start = message->memory_start,
        .limit = message->memory_limit,
        .offset = message->file_offset,
        .has_functions = message->has_functions,
        .has_filenames = message->has_filenames,
        .has_line_numbers = message->has_line_numbers,
        .has_inline_frames = message->has_inline_frames,
    };
    return decode_string_index(decoder, (uint64_t)message->filename, &mapping->filename) &&
           decode_string_index(decoder, (uint64_t)message->build_id, &mapping->build_id);
}

/* A message of which fields 1 to `last` are numbers, into numbers[field]. False when it is malformed. Nearly all tags
 * are one byte. */
static inline bool decode_numbers(const unsigned char *p, const unsigned char *end, unsigned last, uint64_t *numbers) {
    while (p < end) {
        unsigned number = *p >> 3;
        if (*p < 0x80 && (*p & 7) == WIRE_VARINT && number && number <= last) {
            p++;
            if (!wire_get_varint(&p, end, &numbers[number]))
                return false;
            continue;
        }
        struct field field;
        if (!next_field(&p, end, &field) || (field.number <= last && field.type != WIRE_VARINT))
            return false;
        if (field.number <= last)
            numbers[field.number] = field.value;
    }
    return true;
}

bool decode_function(struct decoder *decoder, const unsigned char *bytes, size_t size) {
    uint64_t numbers[FUNCTION_START_LINE + 1] = {0};
    if (!decode_numbers(bytes, bytes + size, FUNCTION_START_LINE, numbers))
        return corrupt(decoder, "a function is malformed");
    if (!add_id(decoder, &decoder->functions, numbers[FUNCTION_ID], decoder->functions.count, "a function has the id 0",
                "two functions have the same id"))
        return false;
    struct profile_function *function = builder_append(&decoder->builder, PROFILE_FUNCTIONS, 1);
    if (!function)
        return no_room(decoder);
    function->start_line = (int64_t)numbers[FUNCTION_START_LINE];
    return decode_string_index(decoder, numbers[FUNCTION_NAME], &function->name) &&
           decode_string_index(decoder, numbers[FUNCTION_SYSTEM_NAME], &function->system_name) &&
           decode_string_index(decoder, numbers[FUNCTION_FILENAME], &function->filename);
}

static bool decode_line(struct decoder *decoder, const unsigned char *p, const unsigned char *end) {
    uint64_t numbers[LINE_COLUMN + 1] = {0};
    if (!decode_numbers(p, end, LINE_COLUMN, numbers))
        return corrupt(decoder, "a location is malformed");
    struct profile_line *line = builder_append(&decoder->builder, PROFILE_LINES, 1);
    if (!line)
        return no_room(decoder);
    *line = (struct profile_line){.line = (int64_t)numbers[LINE_NUMBER], .column = (int64_t)numbers[LINE_COLUMN]};
    return store_reference(decoder, numbers[LINE_FUNCTION_ID], &line->function);
}

/* The fields of a location; its lines become the next ones of the model. */
static bool decode_location_fields(struct decoder *decoder, const unsigned char *p, const unsigned char *end,
                                   uint64_t numbers[LOCATION_IS_FOLDED + 1]) {
    while (p < end) {
        struct field field;
        unsigned number = *p >> 3;
        if (*p < 0x80 && (*p & 7) == WIRE_VARINT && number && number <= LOCATION_ADDRESS) {
            p++;
            if (!wire_get_varint(&p, end, &numbers[number]))
                return corrupt(decoder, "a location is malformed");
            continue;
        }
        if (!next_field(&p, end, &field))
            return corrupt(decoder, "a location is malformed");
        if (field.number > LOCATION_IS_FOLDED)
            continue;
        if (field.type != (field.number == LOCATION_LINE ? WIRE_BYTES : WIRE_VARINT))
            return corrupt(decoder, "a location is malformed");
        if (field.number != LOCATION_LINE)
            numbers[field.number] = field.value;
        else if (!decode_line(decoder, field.begin, field.end))
            return false;
    }
    return true;
}

bool decode_location(struct decoder *decoder, const unsigned char *bytes, size_t size) {
    struct profile *profile = decoder->builder.profile;
    uint64_t numbers[LOCATION_IS_FOLDED + 1] = {0};
    uint32_t first_line = profile->line_count;
    if (!decode_location_fields(decoder, bytes, bytes + size, numbers) ||
        !add_id(decoder, &decoder->locations, numbers[LOCATION_ID], decoder->locations.count, "a location has the id 0",
                "two locations have the same id"))
        return false;
    struct profile_location *location = builder_append(&decoder->builder, PROFILE_LOCATIONS, 1);
    if (!location)
        return no_room(decoder);
    *location = (struct profile_location){
        .address = numbers[LOCATION_ADDRESS],
        .first_line = first_line,
        .line_count = profile->line_count - first_line,
        .is_folded = numbers[LOCATION_IS_FOLDED] != 0,
    };
    return store_reference(decoder, numbers[LOCATION_MAPPING_ID], &location->mapping) &&
           push_word(decoder, &decoder->location_offsets, decoder->offset);
}

/* Ids of locations, which in most files count from 1: what is stored is the index if they do. */
static bool store_ids(struct decoder *decoder, const uint64_t *ids, size_t count, uint32_t *references) {
    uint64_t largest = decoder->largest_location;
    for (size_t i = 0; i < count; i++) {
        uint64_t index = ids[i] - 1; /* of 0 this is the largest number that there is */
        references[i] = (uint32_t)index;
        largest = index > largest ? index : largest;
    }
    decoder->largest_location = largest;
    for (size_t i = 0; i < count && largest >= REFERENCE_LARGE - 1; i++) {
        if (!ids[i])
            return corrupt(decoder, "a sample refers to a location with the id 0");
        if (ids[i] >= REFERENCE_LARGE && !store_reference(decoder, ids[i], &references[i]))
            return false;
    }
    return true;
}

static bool add_location_ids(struct decoder *decoder, const unsigned char *p, const unsigned char *end) {
    uint64_t ids[VARINTS_BLOCK];
    while (p < end) {
        size_t count = varints_decode(&p, end, ids);
        if (!count)
            return corrupt(decoder, "a sample is malformed");
        uint32_t *references = builder_append(&decoder->builder, PROFILE_LOCATION_IDS, count);
        if (!references)
            return no_room(decoder);
        if (!store_ids(decoder, ids, count, references))
            return false;
    }
    return true;
}

static bool add_values(struct decoder *decoder, const unsigned char *p, const unsigned char *end) {
    uint64_t block[VARINTS_BLOCK];
    while (p < end) {
        size_t count = varints_decode(&p, end, block);
        if (!count)
            return corrupt(decoder, "a sample is malformed");
        int64_t *values = builder_append(&decoder->builder, PROFILE_VALUES, count);
        if (!values)
            return no_room(decoder);
        memcpy(values, block, count * sizeof *values);
    }
    return true;
}

static bool decode_label(struct decoder *decoder, const unsigned char *p, const unsigned char *end) {
    struct profile_label *label = builder_append(&decoder->builder, PROFILE_LABELS, 1);
    if (!label)
        return no_room(decoder);
    *label = (struct profile_label){0};
    while (p < end) {
        struct field field;
        if (!next_field(&p, end, &field) || (field.number <= LABEL_UNIT && field.type != WIRE_VARINT))
            return corrupt(decoder, "a label is malformed");
        if (field.number == LABEL_NUMBER)
            label->number = (int64_t)field.value;
        string_id *text = field.number == LABEL_KEY    ? &label->key
                          : field.number == LABEL_TEXT ? &label->text
                          : field.number == LABEL_UNIT ? &label->unit
                                                       : NULL;
        if (text && !decode_string_index(decoder, field.value, text))
            return false;
    }
    if (label->text) {
        label->number = 0;
        label->unit = 0;
    }
    return true;
}

static bool decode_sample_field(struct decoder *decoder, const struct field *field) {
    bool is_number = field->type == WIRE_VARINT || field->type == WIRE_BYTES;
    switch (field->number) {
    case SAMPLE_LOCATION_ID:
        return is_number ? add_location_ids(decoder, field->begin, field->end)
                         : corrupt(decoder, "a sample is malformed");
    case SAMPLE_VALUE:
        return is_number ? add_values(decoder, field->begin, field->end) : corrupt(decoder, "a sample is malformed");
    case SAMPLE_LABEL:
        return field->type == WIRE_BYTES ? decode_label(decoder, field->begin, field->end)
                                         : corrupt(decoder, "a sample is malformed");
    default:
        return true;
    }
}

bool decode_sample(struct decoder *decoder, const unsigned char *bytes, size_t size) {
    struct builder *builder = &decoder->builder;
    struct profile *profile = builder->profile;
    const unsigned char *p = bytes, *end = bytes + size;
    struct profile_sample *sample = builder_append(builder, PROFILE_SAMPLES, 1);
    if (!sample)
        return no_room(decoder);
    if (!push_word(decoder, &decoder->sample_offsets, decoder->offset))
        return false;
    sample->first_location = profile->location_id_count;
    sample->first_label = profile->label_count;
    uint32_t first_value = builder->value_count;
    while (p < end) {
        struct field field;
        if (!next_field(&p, end, &field))
            return corrupt(decoder, "a sample is malformed");
        if (!decode_sample_field(decoder, &field))
            return false;
    }
    sample->location_count = profile->location_id_count - sample->first_location;
    sample->label_count = profile->label_count - sample->first_label;
    uint32_t value_count = builder->value_count - first_value;
    if (profile->sample_count == 1)
        decoder->values_per_sample = value_count;
    if (value_count != decoder->values_per_sample)
        return corrupt(decoder, "a sample has not one value for each sample type");
    return true;
}

bool decode_text(struct decoder *decoder, const unsigned char *bytes, size_t size) {
    if (!decoder->builder.profile->string_count && size)
        return corrupt(decoder, "the first string is not empty");
    return builder_append_string(&decoder->builder, (const char *)bytes, size) || no_room(decoder);
}

bool decode_comment(struct decoder *decoder, uint64_t index) {
    string_id *comment = builder_append(&decoder->builder, PROFILE_COMMENTS, 1);
    return comment ? decode_string_index(decoder, index, comment) : no_room(decoder);
}
