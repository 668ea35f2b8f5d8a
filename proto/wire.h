/* The wire format under a protobuf message, and the field numbers of Profile: each field is a varint of
 * (number << 3 | wire type), followed by its value. */
#ifndef HEAPTAP_PROTO_WIRE_H
#define HEAPTAP_PROTO_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum wire_type { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

/* Fields of Profile, see profile.proto. */
enum profile_field {
    FIELD_SAMPLE_TYPE = 1,
    FIELD_SAMPLE = 2,
    FIELD_MAPPING = 3,
    FIELD_LOCATION = 4,
    FIELD_FUNCTION = 5,
    FIELD_STRING = 6,
    FIELD_DROP_FRAMES = 7,
    FIELD_KEEP_FRAMES = 8,
    FIELD_TIME = 9,
    FIELD_DURATION = 10,
    FIELD_PERIOD_TYPE = 11,
    FIELD_PERIOD = 12,
    FIELD_COMMENT = 13,
    FIELD_DEFAULT_SAMPLE_TYPE = 14,
    FIELD_DOC_URL = 15,
};

/* Of Sample, and of Label in it. */
enum { SAMPLE_LOCATION_ID = 1, SAMPLE_VALUE = 2, SAMPLE_LABEL = 3 };
enum { LABEL_KEY = 1, LABEL_TEXT = 2, LABEL_NUMBER = 3, LABEL_UNIT = 4 };

/* Of Location, of Line in it, and of Function. */
enum { LOCATION_ID = 1, LOCATION_MAPPING_ID, LOCATION_ADDRESS, LOCATION_LINE, LOCATION_IS_FOLDED };
enum { LINE_FUNCTION_ID = 1, LINE_NUMBER, LINE_COLUMN };
enum { FUNCTION_ID = 1, FUNCTION_NAME, FUNCTION_SYSTEM_NAME, FUNCTION_FILENAME, FUNCTION_START_LINE };

enum { WIRE_VARINT_MAX = 10 /* bytes */ };

/* Returns the number of bytes written, at most WIRE_VARINT_MAX. */
static inline size_t wire_put_varint(unsigned char *out, uint64_t value) {
    size_t n = 0;
    for (; value >= 0x80 && n < WIRE_VARINT_MAX - 1; value >>= 7)
        out[n++] = (unsigned char)(value | 0x80);
    out[n++] = (unsigned char)value;
    return n;
}

/* How many bytes wire_put_varint writes: one for each seven bits, one at least. */
static inline size_t wire_varint_size(uint64_t value) {
    unsigned top_bit = 63u - (unsigned)__builtin_clzll(value | 1);
    return (top_bit * 9 + 73) / 64;
}

static inline size_t wire_put_tag(unsigned char *out, unsigned field, enum wire_type type) {
    return wire_put_varint(out, (uint64_t)field << 3 | type);
}

/* Reads a varint from [*p, end) and moves *p behind it. False when it is cut off or longer than ten bytes;
 * then *p is where it was. */
static inline bool wire_get_varint(const unsigned char **p, const unsigned char *end, uint64_t *value) {
    const unsigned char *q = *p;
    if (q < end && *q < 0x80) {
        *value = *q;
        *p = q + 1;
        return true;
    }
    uint64_t result = 0;
    for (unsigned shift = 0; q < end && shift < 70; shift += 7) {
        unsigned char byte = *q++;
        result |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *value = result;
            *p = q;
            return true;
        }
    }
    return false;
}

#endif
