/* The reader's second half: one message of a profile, complete in memory, becomes entries of the model. What
 * it refers to may come later in the file, so references stay ids until resolve_references. Used by the
 * reader. */
#ifndef HEAPTAP_PROTO_DECODE_H
#define HEAPTAP_PROTO_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/region.h"
#include "proto/builder.h"
#include "proto/error.h"
#include "proto/id_map.h"

/* A growing array of words in a region of its own. */
struct word_list {
    struct region region;
    uint64_t *words;
    size_t count, capacity; /* words; bytes */
};

/* Memory for protobuf-c, used again for each message. */
struct decode_arena {
    unsigned char *bytes;
    size_t used;
    struct region spill; /* what did not fit; freed after the message */
};

enum { DECODE_ARENA_SIZE = 64 * 1024 };

/* While a file is read, the fields of the model that refer to a location, a mapping or a function hold the id
 * itself when it is below REFERENCE_LARGE, else REFERENCE_LARGE + an index into `large_ids`; PROFILE_NONE for
 * id 0. Those of samples hold id - 1 in the place of the id itself. */
enum { REFERENCE_LARGE = INT32_MAX };

struct decoder {
    struct builder builder;
    struct proto_error *error;
    uint64_t offset; /* of the message at hand, in the uncompressed stream */
    struct decode_arena arena;
    struct id_map mappings, functions, locations;
    struct word_list large_ids;
    struct word_list sample_offsets, location_offsets; /* where each one was, for errors found at the end */
    uint32_t values_per_sample;                        /* that the first sample had */
    uint64_t largest_location;                         /* the highest id - 1 in samples */
    uint64_t largest_string, largest_string_offset;    /* the highest index into the string table so far */
};

bool decoder_init(struct decoder *decoder, struct region *region, struct profile *profile, uint64_t max_memory,
                  struct proto_error *error);
void decoder_free(struct decoder *decoder);

/* Each takes the bytes of one message. False and *error when a rule of the format is broken. */
bool decode_value_type(struct decoder *decoder, const unsigned char *bytes, size_t size,
                       struct profile_value_type *type);
bool decode_sample_type(struct decoder *decoder, const unsigned char *bytes, size_t size);
bool decode_sample(struct decoder *decoder, const unsigned char *bytes, size_t size);
bool decode_mapping(struct decoder *decoder, const unsigned char *bytes, size_t size);
bool decode_location(struct decoder *decoder, const unsigned char *bytes, size_t size);
bool decode_function(struct decoder *decoder, const unsigned char *bytes, size_t size);
bool decode_text(struct decoder *decoder, const unsigned char *bytes, size_t size);
bool decode_comment(struct decoder *decoder, uint64_t index);

/* An index into the string table, which may not be there yet. */
bool decode_string_index(struct decoder *decoder, uint64_t index, string_id *id);

/* At the end of the file (which is at offset `end`): ids become indexes, and whatever can be checked only now
 * is checked. */
bool resolve_references(struct decoder *decoder, uint64_t end);

#endif
