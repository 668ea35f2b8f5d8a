/* Why a profile could not be read or written: a code, the byte offset in the uncompressed stream (or in the
 * file, for errors of the compression itself), and a constant text. Readers and writers fill it and return
 * false; only a tool's main prints it. */
#ifndef HEAPTAP_PROTO_ERROR_H
#define HEAPTAP_PROTO_ERROR_H

#include <stdbool.h>
#include <stdint.h>

enum proto_error_code {
    PROTO_OK = 0,
    PROTO_ERROR_IO,        /* `saved_errno` says why */
    PROTO_ERROR_FORMAT,    /* not a profile at all */
    PROTO_ERROR_TRUNCATED, /* ends in the middle */
    PROTO_ERROR_CORRUPT,   /* breaks a rule of the format */
    PROTO_ERROR_LIMIT,     /* larger than the limits allow */
    PROTO_ERROR_MEMORY,    /* the system has no more memory */
};

struct proto_error {
    enum proto_error_code code;
    uint64_t offset;
    int saved_errno;
    const char *text; /* lower case, no full stop; never freed */
};

/* Keeps the first error and returns false, so that a failing call is `return proto_fail(...)`. */
static inline bool proto_fail(struct proto_error *error, enum proto_error_code code, uint64_t offset,
                              const char *text) {
    if (error->code == PROTO_OK)
        *error = (struct proto_error){.code = code, .offset = offset, .text = text};
    return false;
}

#endif
