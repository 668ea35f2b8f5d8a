/* One buffer, a little larger than the longest line that is allowed. What is left of it moves to the front
 * when there is no room behind it; pages that no line ever reached were never touched.
 *
 *   buffer:  | done | no line end here | not searched yet | room |
 *                   ^begin             ^searched          ^end
 *
 * Locks: none. Allocation: a region. */
#include "proto/text_lines.h"

#include <string.h>

enum { ROOM_MIN = 64 * 1024, BUFFER_SIZE = TEXT_LINE_MAX + 2 * ROOM_MIN };

bool text_lines_open(struct text_lines *lines, text_source source, void *context, struct proto_error *error) {
    *lines = (struct text_lines){.source = source, .context = context};
    lines->buffer = region_alloc(&lines->region, BUFFER_SIZE);
    return lines->buffer || proto_fail(error, PROTO_ERROR_MEMORY, 0, "out of memory");
}

void text_lines_close(struct text_lines *lines) { region_free(&lines->region); }

static bool fill(struct text_lines *lines, struct proto_error *error) {
    if (BUFFER_SIZE - lines->end < ROOM_MIN) {
        memmove(lines->buffer, lines->buffer + lines->begin, lines->end - lines->begin);
        lines->searched -= lines->begin;
        lines->end -= lines->begin;
        lines->begin = 0;
    }
    size_t got;
    if (!lines->source(lines->context, lines->buffer + lines->end, BUFFER_SIZE - lines->end, &got, error))
        return false;
    lines->end += got;
    lines->at_end = !got;
    return true;
}

/* Gives out [begin, begin + length), and goes on behind it and its line end. */
static void take(struct text_lines *lines, size_t length, bool is_open, struct text_line *line) {
    const char *text = lines->buffer + lines->begin;
    size_t whole = length + !is_open;
    bool has_cr = !is_open && length && text[length - 1] == '\r';
    *line = (struct text_line){text, length - has_cr, lines->offset, is_open};
    lines->begin += whole;
    lines->searched = lines->begin;
    lines->offset += whole;
}

bool text_lines_next(struct text_lines *lines, struct text_line *line, struct proto_error *error) {
    for (;;) {
        const char *first = lines->buffer + lines->searched;
        const char *found = memchr(first, '\n', lines->end - lines->searched);
        size_t length = (found ? (size_t)(found - lines->buffer) : lines->end) - lines->begin;
        if (length > TEXT_LINE_MAX)
            return proto_fail(error, PROTO_ERROR_LIMIT, lines->offset, "a line is longer than is allowed");
        if (found || (lines->at_end && length)) {
            take(lines, length, !found, line);
            return true;
        }
        if (lines->at_end) {
            *line = (struct text_line){.offset = lines->offset};
            return true;
        }
        lines->searched = lines->end;
        if (!fill(lines, error))
            return false;
    }
}
