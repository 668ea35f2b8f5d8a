/* Reads one profile, gzip'd or plain, from a file descriptor: profile.proto, or one of the texts that
 * proto/legacy.h names, told apart by the first bytes. The input is hostile: every length, id
 * and index is checked, sizes are bounded, and memory grows with what the profile holds, not with what it
 * claims.
 *
 * What is checked (pprof's CheckValid and the demands of other consumers): ids are not zero and not used
 * twice; every id that is referred to exists; every sample has one value for each sample type; string 0 is
 * "". */
#ifndef HEAPTAP_PROTO_READER_H
#define HEAPTAP_PROTO_READER_H

#include <stdbool.h>

#include "proto/error.h"
#include "proto/profile.h"

struct reader_limits {
    uint64_t max_compressed;   /* bytes of the file */
    uint64_t max_uncompressed; /* bytes after inflation */
    uint64_t max_memory;       /* bytes of the profile in memory */
};

/* 1 GiB compressed, 4 GiB inflated, 4 GiB in memory. */
extern const struct reader_limits reader_default_limits;

/* Fills *profile and returns true, or fills *error, leaves *profile empty and returns false. `limits` may be
 * NULL for the defaults. The caller closes fd. */
bool reader_read(int fd, const struct reader_limits *limits, struct profile *profile, struct proto_error *error);

/* The same of a file that is in memory, inflated; the bytes are not changed. */
bool reader_read_bytes(void *bytes, size_t size, const struct reader_limits *limits, struct profile *profile,
                       struct proto_error *error);

#endif
