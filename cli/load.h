/* A profile read from a path, with the one line that says why it could not be. */
#ifndef HEAPTAP_CLI_LOAD_H
#define HEAPTAP_CLI_LOAD_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/error.h"
#include "proto/profile.h"

enum { LOAD_ERROR_SIZE = 4400 };

struct loaded {
    const char *path; /* the caller's; "-" is standard input */
    struct profile profile;
    uint64_t *bases; /* one a mapping: see symbolizer_run */
};

/* False, nothing to free, and a line such as "cannot read 'x.pb.gz': truncated gzip stream at byte 1234". */
bool load_profile(const char *path, struct loaded *loaded, char error[LOAD_ERROR_SIZE]);
void load_free(struct loaded *loaded);

/* The same line for an error of the proto layer: verb is "read" or "write". */
void load_describe(const struct proto_error *error, const char *verb, const char *path, char line[LOAD_ERROR_SIZE]);

/* The text after `prefix` in the first comment that begins with it, or NULL. */
const char *load_comment(const struct profile *profile, const char *prefix);

#endif
