/* Heap profiles as text: gperftools and tcmalloc, the Go runtime's debug=1, jemalloc. What they mean: docs/heapdiff.md.
 * Not thread safe. */
#ifndef HEAPTAP_PROTO_LEGACY_H
#define HEAPTAP_PROTO_LEGACY_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/error.h"
#include "proto/profile.h"
#include "proto/text_lines.h"

/* Fills the profile, which is all zero, from a text whose first bytes legacy_is_head (proto/legacy_counts.h) has
 * taken for one. False and *error on a failure, and the profile is to be freed. */
bool legacy_read(text_source source, void *context, uint64_t max_memory, struct profile *profile,
                 struct proto_error *error);

#endif
