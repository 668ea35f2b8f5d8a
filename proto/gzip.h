/* Streams of gzip over zlib, whose memory comes from a region and never from malloc.
 *
 * Reading takes plain input as it is, and members one after the other as one stream. Offsets in errors are
 * bytes of the file. Not thread safe. */
#ifndef HEAPTAP_PROTO_GZIP_H
#define HEAPTAP_PROTO_GZIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ZLIB_CONST /* zlib takes its input as const */
#include <zlib.h>

#include "base/region.h"
#include "proto/error.h"

enum { GZIP_INPUT_SIZE = 64 * 1024 };

struct gzip_reader {
    int fd;
    bool is_plain;      /* the input does not begin like gzip */
    bool inside_member; /* more of this member must follow */
    bool at_end;        /* the file has no more bytes */
    uint64_t max_compressed, max_uncompressed;
    uint64_t file_bytes;   /* read so far */
    uint64_t stream_bytes; /* given to the caller so far */
    unsigned char *input;
    z_stream stream;
};

/* Looks at the first bytes of `fd`. Limits in bytes, 0 = none. */
bool gzip_reader_open(struct gzip_reader *reader, struct region *region, int fd, uint64_t max_compressed,
                      uint64_t max_uncompressed, struct proto_error *error);

/* 1 to `room` bytes into `out`, or *size = 0 at the end of the stream. False on an error. */
bool gzip_read(struct gzip_reader *reader, void *out, size_t room, size_t *size, struct proto_error *error);

/* Receives compressed bytes: 0, or an errno. */
typedef int (*gzip_sink)(void *context, const void *bytes, size_t size);

struct gzip_writer {
    gzip_sink sink;
    void *context;
    uint64_t stream_bytes; /* taken from the caller so far */
    unsigned char *output;
    z_stream stream;
};

/* `level` is zlib's, 0 to 9; -1 is zlib's default. */
bool gzip_writer_open(struct gzip_writer *writer, struct region *region, gzip_sink sink, void *context, int level,
                      struct proto_error *error);
bool gzip_write(struct gzip_writer *writer, const void *bytes, size_t size, struct proto_error *error);
/* Ends the member; nothing can be written afterwards. */
bool gzip_writer_close(struct gzip_writer *writer, struct proto_error *error);

#endif
