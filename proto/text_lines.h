/* The lines of a text that comes as a stream, one at a time, each with its place in the stream. A line is
 * bounded, so a file without a line end takes no more memory than one of them. Not thread safe. */
#ifndef HEAPTAP_PROTO_TEXT_LINES_H
#define HEAPTAP_PROTO_TEXT_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/region.h"
#include "proto/error.h"

enum { TEXT_LINE_MAX = 1024 * 1024 };

/* 1 to `room` bytes into `out`, or *size = 0 at the end of the stream. False on an error. */
typedef bool (*text_source)(void *context, void *out, size_t room, size_t *size, struct proto_error *error);

struct text_lines {
    text_source source;
    void *context;
    struct region region;
    char *buffer;
    size_t begin, searched, end; /* [begin, searched) has no line end */
    uint64_t offset;             /* of buffer[begin] in the stream */
    bool at_end;                 /* the source has no more bytes */
};

struct text_line {
    const char *text; /* until the next call; not NUL terminated, and may hold NULs */
    size_t length;    /* without the line end, LF or CR LF */
    uint64_t offset;  /* in the stream */
    bool is_open;     /* the last one, without a line end */
};

bool text_lines_open(struct text_lines *lines, text_source source, void *context, struct proto_error *error);
void text_lines_close(struct text_lines *lines);

/* The next line, or text = NULL at the end of the stream. False on an error. */
bool text_lines_next(struct text_lines *lines, struct text_line *line, struct proto_error *error);

#endif
