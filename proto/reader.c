/* The reader of profiles: a stream from the file to the model. The whole message is never in memory; one
 * sub-message at a time is, in a buffer that grows only when it is full of bytes that really came.
 *
 *   buffer:  | done | bytes not looked at yet ........ | room for the next inflate |
 *                   ^begin                             ^end
 *
 * reader_read:
 *   1. inflate into the buffer until the next tag and length are there
 *   2. a field that is not known is skipped; a known one of the wrong wire type is an error
 *   3. wait until the whole sub-message is in the buffer, and decode it (decode.c)
 *   4. at the end turn ids into indexes and check what could not be checked before (resolve.c)
 *
 * What fails before the first sub-message is not a damaged profile but some other file, and is called so. A file
 * that begins like a text profile is read as one (legacy.c): no message can begin so, because the letters are fields
 * of wrong types.
 *
 * Locks: none. Allocation: regions only. */
#include "proto/reader.h"

#include <string.h>

#include "proto/decode.h"
#include "proto/gzip.h"
#include "proto/legacy.h"
#include "proto/legacy_counts.h"
#include "proto/wire.h"

enum {
    BUFFER_FIRST = 256 * 1024,
    READ_ROOM = 64 * 1024,            /* at least this much room for one step of inflate */
    HEADER_MAX = 2 * WIRE_VARINT_MAX, /* tag, and length or number */
    MESSAGE_MAX = 64 * 1024 * 1024,   /* no stack and no name is that long */
};

const struct reader_limits reader_default_limits = {
    .max_compressed = 1ull << 30,
    .max_uncompressed = 4ull << 30,
    .max_memory = 4ull << 30,
};

struct reader {
    struct region region;        /* what lives as long as the reading */
    struct region buffer_region; /* the buffer alone */
    struct gzip_reader gzip;
    unsigned char *buffer;
    size_t capacity, begin, end;
    uint64_t offset;       /* of buffer[begin] in the uncompressed stream */
    bool at_end;           /* nothing follows buffer[end] */
    bool is_profile;       /* one sub-message was decoded */
    bool is_stream_broken; /* the error is that of the file or its compression */
    struct decoder decoder;
    struct proto_error *error;
};

static bool corrupt(struct reader *reader, const char *text) {
    return proto_fail(reader->error, PROTO_ERROR_CORRUPT, reader->offset, text);
}

static bool truncated(struct reader *reader) {
    return proto_fail(reader->error, PROTO_ERROR_TRUNCATED, reader->offset + (reader->end - reader->begin),
                      "the profile is truncated");
}

/* Room behind `end`: by moving what is left to the front, or by growing when it fills the buffer. */
static bool make_room(struct reader *reader) {
    size_t left = reader->end - reader->begin;
    if (reader->begin)
        memmove(reader->buffer, reader->buffer + reader->begin, left);
    reader->begin = 0;
    reader->end = left;
    if (reader->capacity - left >= READ_ROOM)
        return true;
    unsigned char *grown = builder_grow_array(&reader->buffer_region, reader->buffer, left,
                                              reader->capacity + READ_ROOM, &reader->capacity);
    if (!grown)
        return proto_fail(reader->error, PROTO_ERROR_MEMORY, reader->offset, "out of memory");
    reader->buffer = grown;
    return true;
}

/* At least `count` bytes in the buffer, unless the stream ends before. */
static bool need(struct reader *reader, size_t count) {
    while (reader->end - reader->begin < count && !reader->at_end) {
        if (reader->capacity - reader->end < READ_ROOM && !make_room(reader))
            return false;
        size_t got;
        if (!gzip_read(&reader->gzip, reader->buffer + reader->end, reader->capacity - reader->end, &got,
                       reader->error)) {
            reader->is_stream_broken = true;
            return false;
        }
        reader->end += got;
        reader->at_end = !got;
    }
    return true;
}

static void consume(struct reader *reader, size_t count) {
    reader->begin += count;
    reader->offset += count;
}

/* Leaves out `count` bytes without keeping them. */
static bool skip(struct reader *reader, uint64_t count) {
    while (count) {
        if (!need(reader, 1))
            return false;
        size_t here = reader->end - reader->begin;
        if (!here)
            return truncated(reader);
        size_t step = count < here ? (size_t)count : here;
        consume(reader, step);
        count -= step;
    }
    return true;
}

static bool decode_packed_comments(struct decoder *decoder, const unsigned char *p, size_t size) {
    const unsigned char *end = p + size;
    while (p < end) {
        uint64_t index;
        if (!wire_get_varint(&p, end, &index))
            return proto_fail(decoder->error, PROTO_ERROR_CORRUPT, decoder->offset, "a comment is malformed");
        if (!decode_comment(decoder, index))
            return false;
    }
    return true;
}

static bool decode_bytes(struct decoder *decoder, uint64_t field, const unsigned char *bytes, size_t size) {
    switch (field) {
    case FIELD_SAMPLE_TYPE:
        return decode_sample_type(decoder, bytes, size);
    case FIELD_SAMPLE:
        return decode_sample(decoder, bytes, size);
    case FIELD_MAPPING:
        return decode_mapping(decoder, bytes, size);
    case FIELD_LOCATION:
        return decode_location(decoder, bytes, size);
    case FIELD_FUNCTION:
        return decode_function(decoder, bytes, size);
    case FIELD_STRING:
        return decode_text(decoder, bytes, size);
    case FIELD_PERIOD_TYPE:
        return decode_value_type(decoder, bytes, size, &decoder->builder.profile->period_type);
    default: /* FIELD_COMMENT */
        return decode_packed_comments(decoder, bytes, size);
    }
}

static bool is_bytes_field(uint64_t field) {
    return (field >= FIELD_SAMPLE_TYPE && field <= FIELD_STRING) || field == FIELD_PERIOD_TYPE ||
           field == FIELD_COMMENT;
}

static bool read_bytes(struct reader *reader, uint64_t field, size_t header, uint64_t size) {
    if (!is_bytes_field(field)) {
        if (field <= FIELD_DOC_URL)
            return corrupt(reader, "a field has the wrong type");
        consume(reader, header);
        return skip(reader, size);
    }
    if (size > MESSAGE_MAX)
        return proto_fail(reader->error, PROTO_ERROR_LIMIT, reader->offset, "a message is larger than is allowed");
    if (!need(reader, header + size))
        return false;
    if (reader->end - reader->begin < header + size)
        return truncated(reader);
    reader->decoder.offset = reader->offset;
    if (!decode_bytes(&reader->decoder, field, reader->buffer + reader->begin + header, size))
        return false;
    reader->is_profile = true;
    consume(reader, header + size);
    return true;
}

static bool read_number(struct reader *reader, uint64_t field, size_t header, uint64_t value) {
    struct decoder *decoder = &reader->decoder;
    struct profile *profile = decoder->builder.profile;
    bool ok = true;
    decoder->offset = reader->offset;
    switch (field) {
    case FIELD_DROP_FRAMES:
        ok = decode_string_index(decoder, value, &profile->drop_frames);
        break;
    case FIELD_KEEP_FRAMES:
        ok = decode_string_index(decoder, value, &profile->keep_frames);
        break;
    case FIELD_TIME:
        profile->time_nanos = (int64_t)value;
        break;
    case FIELD_DURATION:
        profile->duration_nanos = (int64_t)value;
        break;
    case FIELD_PERIOD:
        profile->period = (int64_t)value;
        break;
    case FIELD_COMMENT:
        ok = decode_comment(decoder, value);
        break;
    case FIELD_DEFAULT_SAMPLE_TYPE:
        ok = decode_string_index(decoder, value, &profile->default_sample_type);
        break;
    case FIELD_DOC_URL:
        ok = decode_string_index(decoder, value, &profile->doc_url);
        break;
    default:
        if (field <= FIELD_DOC_URL)
            return corrupt(reader, "a field has the wrong type");
    }
    consume(reader, header);
    return ok;
}

static bool read_fixed(struct reader *reader, uint64_t field, size_t size) {
    if (field <= FIELD_DOC_URL)
        return corrupt(reader, "a field has the wrong type");
    return skip(reader, size);
}

/* One field of Profile; HEADER_MAX bytes are in the buffer, or all that is left. */
static bool read_field(struct reader *reader) {
    const unsigned char *first = reader->buffer + reader->begin, *p = first;
    const unsigned char *end = reader->buffer + reader->end;
    bool is_short = end - first < HEADER_MAX;
    uint64_t tag, value = 0;
    if (!wire_get_varint(&p, end, &tag))
        return is_short ? truncated(reader) : corrupt(reader, "a field has a malformed tag");
    uint64_t field = tag >> 3;
    unsigned type = tag & 7;
    if (!field)
        return corrupt(reader, "a field has the number 0");
    if ((type == WIRE_VARINT || type == WIRE_BYTES) && !wire_get_varint(&p, end, &value))
        return is_short ? truncated(reader) : corrupt(reader, "a field has a malformed length or number");
    size_t header = (size_t)(p - first);
    switch (type) {
    case WIRE_VARINT:
        return read_number(reader, field, header, value);
    case WIRE_BYTES:
        return read_bytes(reader, field, header, value);
    case WIRE_FIXED64:
        return read_fixed(reader, field, header + 8);
    case WIRE_FIXED32:
        return read_fixed(reader, field, header + 4);
    default:
        return corrupt(reader, "a field has an unknown type");
    }
}

static bool read_fields(struct reader *reader) {
    for (;;) {
        if (reader->end - reader->begin < HEADER_MAX && !need(reader, HEADER_MAX))
            return false;
        if (reader->begin == reader->end)
            break;
        if (!read_field(reader))
            return false;
    }
    if (!reader->offset)
        return proto_fail(reader->error, PROTO_ERROR_FORMAT, 0, "the profile is empty");
    return resolve_references(&reader->decoder, reader->offset);
}

static bool open_stream(struct reader *reader, int fd, const struct reader_limits *limits) {
    reader->buffer = region_alloc(&reader->buffer_region, BUFFER_FIRST);
    reader->capacity = BUFFER_FIRST;
    if (!reader->buffer)
        return proto_fail(reader->error, PROTO_ERROR_MEMORY, 0, "out of memory");
    return gzip_reader_open(&reader->gzip, &reader->region, fd, limits->max_compressed, limits->max_uncompressed,
                            reader->error);
}

/* What is in the buffer, and then the rest of the stream. */
static bool read_text(void *context, void *out, size_t room, size_t *size, struct proto_error *error) {
    struct reader *reader = context;
    size_t left = reader->end - reader->begin;
    *size = 0;
    if (!left)
        return reader->at_end || gzip_read(&reader->gzip, out, room, size, error);
    *size = room < left ? room : left;
    memcpy(out, reader->buffer + reader->begin, *size);
    consume(reader, *size);
    return true;
}

static bool read_any(struct reader *reader, uint64_t max_memory, struct profile *profile) {
    if (!need(reader, LEGACY_MAGIC_SIZE))
        return false;
    if (!legacy_is_head(reader->buffer + reader->begin, reader->end - reader->begin))
        return read_fields(reader);
    reader->is_profile = true;
    return legacy_read(read_text, reader, max_memory, profile, reader->error);
}

/* The reader has its input: a stream, or all of it in the buffer. */
static bool run(struct reader *reader, bool is_open, const struct reader_limits *limits, struct profile *profile) {
    struct proto_error *error = reader->error;
    bool ok = is_open && decoder_init(&reader->decoder, &reader->region, profile, limits->max_memory, error) &&
              read_any(reader, limits->max_memory, profile);
    bool is_damage = error->code == PROTO_ERROR_CORRUPT || error->code == PROTO_ERROR_TRUNCATED;
    if (!ok && is_damage && !reader->is_stream_broken && !reader->is_profile)
        *error = (struct proto_error){.code = PROTO_ERROR_FORMAT, .offset = error->offset, .text = "not a profile"};
    if (!ok)
        profile_free(profile);
    decoder_free(&reader->decoder);
    region_free(&reader->region);
    region_free(&reader->buffer_region);
    return ok;
}

bool reader_read(int fd, const struct reader_limits *limits, struct profile *profile, struct proto_error *error) {
    *profile = (struct profile){0};
    *error = (struct proto_error){0};
    struct reader reader = {.error = error};
    limits = limits ? limits : &reader_default_limits;
    return run(&reader, open_stream(&reader, fd, limits), limits, profile);
}

bool reader_read_bytes(void *bytes, size_t size, const struct reader_limits *limits, struct profile *profile,
                       struct proto_error *error) {
    *profile = (struct profile){0};
    *error = (struct proto_error){0};
    struct reader reader = {.error = error, .buffer = bytes, .capacity = size, .end = size, .at_end = true};
    return run(&reader, true, limits ? limits : &reader_default_limits, profile);
}
