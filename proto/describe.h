/* Errors of this layer as the one line that a tool prints. */
#ifndef HEAPTAP_PROTO_DESCRIBE_H
#define HEAPTAP_PROTO_DESCRIBE_H

#include <stddef.h>

#include "proto/error.h"

/* "cannot read 'x.pb.gz': truncated gzip stream at byte 1234". `verb` is "read", "open", "write"; the path is cleaned,
 * and
 * "-" is called standard input. */
void proto_describe(const struct proto_error *error, const char *verb, const char *path, char *line, size_t size);

#endif
