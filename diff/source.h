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
    int64_t made;    /* nanoseconds of Unix time: as the profile says, else when its file was written, or 0 */
    int64_t *totals; /* by view, before anything was left out of the samples; NULL = nothing was */
};

/* Fills the error's line and returns false, so that a failing call is `return source_fail(...)`. */
bool source_fail(struct heapprofile_error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Takes the profile over; NULL, and the profile is freed, when there is no memory. */
struct heapprofile *source_wrap(struct profile *profile, const char *name, struct heapprofile_error *error);

/* The view of this name in another file: its index there, or PROFILE_NONE. By the rule of heapprofile_find_view. */
uint32_t source_find_view(const struct heapprofile *source, const char *name);

/* The sum of all samples of the file in a view, whatever was left out since. */
int64_t source_total(const struct heapprofile *source, uint32_t view);
/* Keeps the totals as they are; due before samples are left out. False when there is no memory. */
bool source_keep_totals(struct heapprofile *source);

/* Mean bytes between samples, 0 where the file does not say. */
int64_t source_rate(const struct heapprofile *source);

#endif
