/* gzip in both directions. zlib is given an allocator that takes from a region and frees nothing: it
 * allocates once when a stream is opened, so nothing is lost by that.
 *
 * gzip_read:
 *   1. no input left: read(2) up to 64 KiB; the limit on the file is checked here
 *   2. plain input: copy it out
 *   3. between members: the next bytes must be another header, or the end of the file
 *   4. inflate into the caller's room; zlib checks length and CRC at the end of each member
 *   5. count what came out against the limit on the stream: a bomb ends here, whatever its ratio
 *
 * The end of the file inside a member is a truncated file; a wrong CRC or length at its end is a corrupt one.
 *
 * Locks: none. Allocation: the caller's region only. The writing half may run inside malloc. */
#include "proto/gzip.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/bits.h"

enum {
    WINDOW_BITS_GZIP = 15 + 16, /* zlib's way to say: largest window, gzip framing */
    MEMORY_LEVEL = 8,
    OUTPUT_SIZE = 32 * 1024,
};

static void *allocate(void *region, unsigned count, unsigned size) {
    size_t bytes;
    return mul_fits(count, size, &bytes) ? region_alloc(region, bytes) : NULL;
}

static void free_nothing(void *region, void *p) {
    (void)region;
    (void)p;
}

static z_stream empty_stream(struct region *region) {
    return (z_stream){.zalloc = allocate, .zfree = free_nothing, .opaque = region};
}

/* Offset in the file of the next byte that was not used yet. */
static uint64_t file_offset(const struct gzip_reader *reader) { return reader->file_bytes - reader->stream.avail_in; }

/* Adds to the input what one read(2) gives; at_end when there is nothing more. */
static bool read_more(struct gzip_reader *reader, struct proto_error *error) {
    z_stream *stream = &reader->stream;
    if (stream->avail_in)
        memmove(reader->input, stream->next_in, stream->avail_in);
    stream->next_in = reader->input;
    ssize_t got;
    do {
        got = read(reader->fd, reader->input + stream->avail_in, GZIP_INPUT_SIZE - stream->avail_in);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        *error = (struct proto_error){PROTO_ERROR_IO, reader->file_bytes, errno, "cannot read"};
        return false;
    }
    reader->at_end = got == 0;
    reader->file_bytes += (uint64_t)got;
    stream->avail_in += (unsigned)got;
    if (reader->max_compressed && reader->file_bytes > reader->max_compressed)
        return proto_fail(error, PROTO_ERROR_LIMIT, reader->max_compressed, "the file is larger than is allowed");
    return true;
}

/* At least `count` bytes of input, unless the file ends before. */
static bool fill(struct gzip_reader *reader, unsigned count, struct proto_error *error) {
    while (reader->stream.avail_in < count && !reader->at_end) {
        if (!read_more(reader, error))
            return false;
    }
    return true;
}

static bool has_magic(const struct gzip_reader *reader) {
    const z_stream *stream = &reader->stream;
    return stream->avail_in >= 2 && stream->next_in[0] == 0x1f && stream->next_in[1] == 0x8b;
}

bool gzip_reader_open(struct gzip_reader *reader, struct region *region, int fd, uint64_t max_compressed,
                      uint64_t max_uncompressed, struct proto_error *error) {
    *reader = (struct gzip_reader){
        .fd = fd,
        .max_compressed = max_compressed,
        .max_uncompressed = max_uncompressed,
        .input = region_alloc(region, GZIP_INPUT_SIZE),
        .stream = empty_stream(region),
    };
    if (!reader->input)
        return proto_fail(error, PROTO_ERROR_MEMORY, 0, "out of memory");
    if (!fill(reader, 2, error))
        return false;
    reader->is_plain = !has_magic(reader);
    if (reader->is_plain)
        return true;
    reader->inside_member = true;
    if (inflateInit2(&reader->stream, WINDOW_BITS_GZIP) != Z_OK)
        return proto_fail(error, PROTO_ERROR_MEMORY, 0, "out of memory");
    return true;
}

/* zlib's reason as one of ours. */
static bool fail_inflate(const struct gzip_reader *reader, int status, struct proto_error *error) {
    uint64_t offset = file_offset(reader);
    const char *reason = reader->stream.msg ? reader->stream.msg : "";
    if (status == Z_MEM_ERROR)
        return proto_fail(error, PROTO_ERROR_MEMORY, offset, "out of memory");
    if (strcmp(reason, "incorrect data check") == 0)
        return proto_fail(error, PROTO_ERROR_CORRUPT, offset, "the checksum of the gzip data is wrong");
    if (strcmp(reason, "incorrect length check") == 0)
        return proto_fail(error, PROTO_ERROR_CORRUPT, offset, "the length of the gzip data is wrong");
    return proto_fail(error, PROTO_ERROR_CORRUPT, offset, "the gzip data is corrupt");
}

/* Between two members: the next one begins, or the stream ends. */
static bool next_member(struct gzip_reader *reader, struct proto_error *error) {
    if (!fill(reader, 2, error))
        return false;
    if (!reader->stream.avail_in)
        return true;
    if (!has_magic(reader))
        return proto_fail(error, PROTO_ERROR_CORRUPT, file_offset(reader), "bytes follow the gzip data");
    inflateReset(&reader->stream);
    reader->inside_member = true;
    return true;
}

/* One step of zlib, which may give no byte yet. */
static bool inflate_some(struct gzip_reader *reader, unsigned char *out, size_t room, size_t *size,
                         struct proto_error *error) {
    z_stream *stream = &reader->stream;
    if (!fill(reader, 1, error))
        return false;
    if (!stream->avail_in)
        return proto_fail(error, PROTO_ERROR_TRUNCATED, reader->file_bytes, "the gzip data is truncated");
    stream->next_out = out;
    stream->avail_out = room < UINT32_MAX ? (unsigned)room : UINT32_MAX;
    unsigned before = stream->avail_out;
    int status = inflate(stream, Z_NO_FLUSH);
    *size = before - stream->avail_out;
    reader->inside_member = status != Z_STREAM_END;
    if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR)
        return fail_inflate(reader, status, error);
    return true;
}

static void copy_plain(struct gzip_reader *reader, unsigned char *out, size_t room, size_t *size) {
    z_stream *stream = &reader->stream;
    *size = room < stream->avail_in ? room : stream->avail_in;
    memcpy(out, stream->next_in, *size);
    stream->next_in += *size;
    stream->avail_in -= (unsigned)*size;
}

bool gzip_read(struct gzip_reader *reader, void *out, size_t room, size_t *size, struct proto_error *error) {
    *size = 0;
    if (reader->is_plain) {
        if (!fill(reader, 1, error))
            return false;
        copy_plain(reader, out, room, size);
    }
    while (!*size && !reader->is_plain) {
        if (!reader->inside_member && !next_member(reader, error))
            return false;
        if (!reader->inside_member)
            break;
        if (!inflate_some(reader, out, room, size, error))
            return false;
    }
    reader->stream_bytes += *size;
    if (reader->max_uncompressed && reader->stream_bytes > reader->max_uncompressed)
        return proto_fail(error, PROTO_ERROR_LIMIT, file_offset(reader),
                          "the uncompressed profile is larger than is allowed");
    return true;
}

bool gzip_writer_open(struct gzip_writer *writer, struct region *region, gzip_sink sink, void *context, int level,
                      struct proto_error *error) {
    *writer = (struct gzip_writer){
        .sink = sink,
        .context = context,
        .output = region_alloc(region, OUTPUT_SIZE),
        .stream = empty_stream(region),
    };
    if (!writer->output ||
        deflateInit2(&writer->stream, level, Z_DEFLATED, WINDOW_BITS_GZIP, MEMORY_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK)
        return proto_fail(error, PROTO_ERROR_MEMORY, 0, "out of memory");
    return true;
}

/* Runs zlib until it has taken all input, or with Z_FINISH until the stream has ended. */
static bool deflate_all(struct gzip_writer *writer, int flush, struct proto_error *error) {
    z_stream *stream = &writer->stream;
    int status;
    do {
        stream->next_out = writer->output;
        stream->avail_out = OUTPUT_SIZE;
        status = deflate(stream, flush);
        size_t size = OUTPUT_SIZE - stream->avail_out;
        int failed = size ? writer->sink(writer->context, writer->output, size) : 0;
        if (failed) {
            *error = (struct proto_error){PROTO_ERROR_IO, writer->stream_bytes, failed, "cannot write"};
            return false;
        }
    } while (flush == Z_FINISH ? status == Z_OK : !stream->avail_out);
    return true;
}

bool gzip_write(struct gzip_writer *writer, const void *bytes, size_t size, struct proto_error *error) {
    const unsigned char *next = bytes;
    while (size) {
        unsigned step = size < UINT32_MAX ? (unsigned)size : UINT32_MAX;
        writer->stream.next_in = next;
        writer->stream.avail_in = step;
        if (!deflate_all(writer, Z_NO_FLUSH, error))
            return false;
        writer->stream_bytes += step;
        next += step;
        size -= step;
    }
    return true;
}

bool gzip_writer_close(struct gzip_writer *writer, struct proto_error *error) {
    writer->stream.avail_in = 0;
    return deflate_all(writer, Z_FINISH, error);
}
