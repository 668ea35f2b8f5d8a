/* One profile of the tables as they stand, written while allocation goes on. Never calls malloc; memory comes
 * from a region of its own, so it may be called by any thread, outside malloc. */
#ifndef HEAPTAP_PROFILER_SNAPSHOT_H
#define HEAPTAP_PROFILER_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>

#include "profiler/label_table.h"
#include "profiler/mapping.h"
#include "profiler/stack_table.h"
#include "profiler/tally.h"
#include "proto/error.h"
#include "proto/writer.h"

struct snapshot_source {
    struct stack_table *stacks;
    struct bucket_table *buckets;
    struct live_table *live;          /* for TALLY_AGES */
    const struct label_table *labels; /* NULL while there are none */
    struct mapping_table *mappings;
    enum tally_kind kind;
    uint32_t now;                /* in the unit of the births in `live` */
    uint64_t rate;               /* now: the profile's period */
    bool alloc_first;            /* pprof shows alloc_space first (HEAPTAP_ALLOCS) */
    bool drop_own_frames;        /* by name, where they were not cut at capture */
    const char *const *comments; /* NULL at the end */
};

/* A regular expression: the names of the allocator's own frames. */
const char *snapshot_own_frames(void);

/* False and *error when the sink or the memory failed. */
bool snapshot_write(const struct snapshot_source *source, writer_sink sink, void *context, struct proto_error *error);

#endif
