/* A profile that is filled from a text: strings, functions and locations are found again by what they are, so
 * that each is there once. Used by the readers of text profiles. Not thread safe. */
#ifndef HEAPTAP_PROTO_LEGACY_PROFILE_H
#define HEAPTAP_PROTO_LEGACY_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/region.h"
#include "proto/builder.h"
#include "proto/error.h"
#include "proto/id_map.h"
#include "proto/strtab.h"

struct legacy_profile {
    struct builder builder;
    struct region scratch;   /* of the sets */
    struct strtab strings;   /* number = string id */
    struct strtab functions; /* keys; number = index */
    struct id_map locations; /* by address + 1, which may be 0: then in `at_zero` */
    uint32_t at_zero;
    uint64_t max_memory; /* of the profile and of the sets */
    struct proto_error *error;
    uint64_t offset; /* of the line at hand */
};

bool legacy_profile_open(struct legacy_profile *legacy, struct profile *profile, uint64_t max_memory,
                         struct proto_error *error);
void legacy_profile_close(struct legacy_profile *legacy);

/* PROFILE_NONE and the error when there is no memory. */
string_id legacy_profile_string(struct legacy_profile *legacy, const char *text, size_t length);
uint32_t legacy_profile_function(struct legacy_profile *legacy, string_id name, string_id filename);
/* The location of a return address: of the byte before it, which belongs to the call. */
uint32_t legacy_profile_location(struct legacy_profile *legacy, uint64_t return_address);
/* The same, but PROFILE_NONE where there is none yet. */
uint32_t legacy_profile_find_location(const struct legacy_profile *legacy, uint64_t return_address);

bool legacy_profile_sample_type(struct legacy_profile *legacy, const char *type, const char *unit);

/* False: what failed, as an error at the line at hand. */
bool legacy_profile_corrupt(struct legacy_profile *legacy, const char *text);
bool legacy_profile_no_room(struct legacy_profile *legacy);

#endif
