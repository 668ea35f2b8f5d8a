/* Reading unwind tables, which may be damaged: nothing is read at or beyond the limit. The first read that
 * would be sets is_bad; that one and all later ones give 0. */
#ifndef HEAPTAP_PROFILER_BYTE_READER_H
#define HEAPTAP_PROFILER_BYTE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct byte_reader {
    const uint8_t *at, *limit;
    bool is_bad;
};

static inline void byte_reader_skip(struct byte_reader *reader, uint64_t size) {
    if (reader->is_bad || size > (uint64_t)(reader->limit - reader->at))
        reader->is_bad = true;
    else
        reader->at += size;
}

/* A number of `size` bytes, 8 at most, in the machine's order; the caller says whether it is signed. */
static inline uint64_t byte_reader_fixed(struct byte_reader *reader, unsigned size, bool is_signed) {
    const uint8_t *from = reader->at;
    uint64_t value = 0;
    byte_reader_skip(reader, size);
    if (reader->is_bad || !from || size == 0)
        return 0;
    memcpy(&value, from, size);
    unsigned unused = 64 - 8 * size;
    return is_signed ? (uint64_t)((int64_t)(value << unused) >> unused) : value;
}

static inline uint8_t byte_reader_u8(struct byte_reader *reader) {
    return (uint8_t)byte_reader_fixed(reader, 1, false);
}

static inline uint32_t byte_reader_u32(struct byte_reader *reader) {
    return (uint32_t)byte_reader_fixed(reader, 4, false);
}

/* LEB128: seven bits a byte, lowest first. Bits beyond the 64th are dropped. */
static inline uint64_t byte_reader_leb(struct byte_reader *reader, bool is_signed) {
    uint64_t value = 0;
    unsigned shift = 0;
    uint8_t byte;
    do {
        byte = byte_reader_u8(reader);
        if (shift < 64)
            value |= (uint64_t)(byte & 0x7f) << shift;
        shift += 7;
    } while (byte & 0x80);
    if (is_signed && shift < 64 && byte & 0x40)
        value |= ~UINT64_C(0) << shift;
    return value;
}

static inline uint64_t byte_reader_uleb(struct byte_reader *reader) { return byte_reader_leb(reader, false); }
static inline int64_t byte_reader_sleb(struct byte_reader *reader) { return (int64_t)byte_reader_leb(reader, true); }

/* What comes next, of `size` bytes, as a reader of its own; skipped here. */
static inline struct byte_reader byte_reader_part(struct byte_reader *reader, uint64_t size) {
    const uint8_t *from = reader->at;
    byte_reader_skip(reader, size);
    struct byte_reader part = {from, reader->is_bad ? from : from + size, reader->is_bad};
    return part;
}

#endif
