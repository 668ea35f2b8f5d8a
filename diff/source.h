/* struct heapprofile: a profile with the name it was read by. */
#ifndef HEAPTAP_DIFF_SOURCE_H
#define HEAPTAP_DIFF_SOURCE_H

#include "heapprofile.h"
#include "proto/error.h"
#include "proto/profile.h"

struct heapprofile {
    char *name; /* "-" is standard input */
    struct profile profile;
    uint64_t *bases; /* one a mapping: see symbolizer_run */
};

/* Fills the error's line and returns false, so that a failing call is `return source_fail(...)`. */
bool source_fail(struct heapprofile_error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Takes the profile over; NULL, and the profile is freed, when there is no memory. */
struct heapprofile *source_wrap(struct profile *profile, const char *name, struct heapprofile_error *error);

/* The view of this name in another file: its index there, or PROFILE_NONE. By the rule of heapprofile_find_view. */
uint32_t source_find_view(const struct heapprofile *source, const char *name);

/* Mean bytes between samples, 0 where the file does not say. */
int64_t source_rate(const struct heapprofile *source);

#endif
