/* Writes profile.proto as a gzip stream, one message at a time: no message tree is ever built, so a profile
 * of any size is written from a few hundred KiB of memory plus the table of its strings.
 *
 * May run inside the profiled process: never calls malloc, never takes the loader's lock, uses no stdio. All
 * its memory comes from the caller's region. One writer is used by one thread at a time.
 *
 * The first error sticks: later calls do nothing, and writer_close reports it. Call order: writer_open,
 * then in any order the writer_* calls below (sample types before samples), then writer_close. */
#ifndef HEAPTAP_PROTO_WRITER_H
#define HEAPTAP_PROTO_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/region.h"
#include "proto/error.h"
#include "proto/profile.h"

/* Receives the compressed bytes: 0, or an errno. */
typedef int (*writer_sink)(void *context, const void *bytes, size_t size);

struct writer;

/* NULL when the region has no memory left. `level` is zlib's, 1 inside a process. */
struct writer *writer_open(struct region *region, writer_sink sink, void *context, int level);

/* The string's index in this profile's table; equal strings give equal indexes. "" is 0. */
string_id writer_string(struct writer *writer, const char *text);
string_id writer_string_n(struct writer *writer, const char *text, size_t length);

void writer_sample_type(struct writer *writer, const char *type, const char *unit);
void writer_period(struct writer *writer, const char *type, const char *unit, int64_t period);
void writer_time(struct writer *writer, int64_t time_nanos, int64_t duration_nanos);
void writer_comment(struct writer *writer, const char *text);
void writer_default_sample_type(struct writer *writer, const char *type);
void writer_drop_frames(struct writer *writer, const char *regex, const char *keep_regex);

/* Each returns the new id, counting from 1 without gaps; 0 after an error. String fields of the structs are
 * indexes that writer_string gave; the fields `mapping` and `function` are ids of this writer (1..), or
 * PROFILE_NONE. */
uint64_t writer_mapping(struct writer *writer, const struct profile_mapping *mapping);
uint64_t writer_function(struct writer *writer, const struct profile_function *function);
uint64_t writer_location(struct writer *writer, uint64_t address, uint32_t mapping, const struct profile_line *lines,
                         size_t line_count);

/* location_ids[0] is the leaf; ids may belong to locations that are written later. One value a sample type.
 */
void writer_sample(struct writer *writer, const uint64_t *location_ids, size_t location_count, const int64_t *values,
                   size_t value_count, const struct profile_label *labels, size_t label_count);

/* Ends the stream. False and *error when anything failed since writer_open. The memory stays the region's. */
bool writer_close(struct writer *writer, struct proto_error *error);

/* A whole profile of the model, ids renumbered from 1. */
bool writer_write_profile(const struct profile *profile, writer_sink sink, void *context, int level,
                          struct proto_error *error);

#endif
