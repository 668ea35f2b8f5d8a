/* Leaves out samples and frames by name, with pprof's rules. Expressions are POSIX extended ones, which match
 * anywhere in a name unless they are anchored.
 *
 * A location matches when the name or the file of one of its functions does, or the file of its mapping. */
#ifndef HEAPTAP_PROTO_FILTER_H
#define HEAPTAP_PROTO_FILTER_H

#include <stdbool.h>

#include "proto/error.h"
#include "proto/profile.h"

/* Each is NULL for none. */
struct filter {
    const char *focus;  /* keep only samples with a location that matches */
    const char *ignore; /* leave out samples with a location that matches */
    const char *hide;   /* leave out matching frames, and samples that have none left */
    const char *show;   /* leave out all other frames, and samples that have none left */
};

/* Changes the profile in place. False and *error (PROTO_ERROR_FORMAT) when an expression is malformed; then
 * the profile is as it was. Frames that are left out remain in the profile's tables. */
bool filter_apply(struct profile *profile, const struct filter *filter, struct proto_error *error);

/* The profile's own drop_frames and keep_frames, after symbolization: in each stack, counted from the root,
 * the first function whose whole name matches drop_frames and not keep_frames goes, and with it everything
 * that it called. Functions at the root itself stay, so that no stack is lost. Expressions in a file are
 * untrusted: what would cost too much to match is refused as malformed. */
bool filter_drop_frames(struct profile *profile, struct proto_error *error);

#endif
