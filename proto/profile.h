/* A profile in memory: the model of profile.proto after its ids have been resolved.
 *
 * Everything is an index into a flat array of the same struct, so a profile is a dozen allocations however
 * large it is, and copying or merging is arithmetic on indexes. The reader and merge leave no array NULL,
 * even an empty one.
 *
 *   samples[i]  --location_ids[first..]-->  locations[]  --lines[first..]-->  functions[]
 *      |                                        |                               |
 *      +-- values[i * sample_type_count + t]    +--> mappings[]                 +--> strings[]
 *      +-- labels[first_label..]
 *
 * All memory belongs to `region` and `arrays`; profile_free gives it back. Not thread safe. */
#ifndef HEAPTAP_PROTO_PROFILE_H
#define HEAPTAP_PROTO_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/region.h"

/* Index of a string in profile.strings; 0 is "". */
typedef uint32_t string_id;

#define PROFILE_NONE UINT32_MAX /* no mapping, no function */

struct profile_string {
    const char *text; /* NUL terminated; may hold any other byte */
    uint32_t length;
};

struct profile_value_type {
    string_id type;
    string_id unit;
};

struct profile_mapping {
    uint64_t start, limit, offset; /* bytes; [start, limit) */
    string_id filename;
    string_id build_id; /* lowercase hex */
    bool has_functions, has_filenames, has_line_numbers, has_inline_frames;
};

struct profile_function {
    string_id name;        /* demangled, without parameters */
    string_id system_name; /* as in the symbol table */
    string_id filename;
    int64_t start_line;
};

/* One source line of a location. A location's lines go from the innermost inlined call to the caller. */
struct profile_line {
    uint32_t function; /* PROFILE_NONE where unknown */
    int64_t line;
    int64_t column;
};

struct profile_location {
    uint64_t address;
    uint32_t mapping; /* PROFILE_NONE where unknown */
    uint32_t first_line;
    uint32_t line_count;
    bool is_folded;
};

/* A label has either a text (`text` != 0) or a number. */
struct profile_label {
    string_id key;
    string_id text;
    string_id unit;
    int64_t number;
};

struct profile_sample {
    uint32_t first_location; /* into location_ids; the first one is the leaf */
    uint32_t location_count;
    uint32_t first_label;
    uint32_t label_count;
};

/* The arrays of a profile, for proto/builder.h. */
enum profile_array {
    PROFILE_STRINGS,
    PROFILE_SAMPLE_TYPES,
    PROFILE_MAPPINGS,
    PROFILE_FUNCTIONS,
    PROFILE_LOCATIONS,
    PROFILE_LINES,
    PROFILE_SAMPLES,
    PROFILE_LOCATION_IDS,
    PROFILE_LABELS,
    PROFILE_VALUES,
    PROFILE_COMMENTS,
    PROFILE_ARRAY_COUNT
};

struct profile {
    struct region region; /* texts */
    /* One for each array, so that an array which has to move gives its old memory back. An array may just as
     * well lie in `region`; then its own is empty. */
    struct region arrays[PROFILE_ARRAY_COUNT];

    struct profile_string *strings;
    struct profile_value_type *sample_types;
    struct profile_mapping *mappings; /* the first is the main program */
    struct profile_function *functions;
    struct profile_location *locations;
    struct profile_line *lines;
    struct profile_sample *samples;
    uint32_t *location_ids;
    struct profile_label *labels;
    int64_t *values; /* sample_type_count a sample */
    string_id *comments;

    uint32_t string_count, sample_type_count, mapping_count, function_count, location_count, line_count;
    uint32_t sample_count, location_id_count, label_count, comment_count;

    int64_t time_nanos;     /* since 1970, UTC; 0 = not given */
    int64_t duration_nanos; /* 0 = not given */
    struct profile_value_type period_type;
    int64_t period;
    string_id drop_frames, keep_frames; /* regular expressions, 0 = none */
    string_id default_sample_type;      /* 0 = the last one */
    string_id doc_url;
};

/* Frees everything; the struct is all zero afterwards. */
void profile_free(struct profile *profile);

static inline const char *profile_text(const struct profile *profile, string_id id) {
    return profile->strings[id].text;
}

/* Index of the sample type with this name ("inuse_space"), or PROFILE_NONE. */
uint32_t profile_find_sample_type(const struct profile *profile, const char *type);

#endif
