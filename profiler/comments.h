/* The comments of a profile: whose it is, and the exact totals beside the sampled ones. One `key=value` each.
 */
#ifndef HEAPTAP_PROFILER_COMMENTS_H
#define HEAPTAP_PROFILER_COMMENTS_H

#include <stdint.h>

#include "profiler/snapshot.h"

/* Which process this is. The instance tells a reader whether two files come from one process. */
struct comments_identity {
    uint64_t instance; /* random; a forked child is an instance of its own */
    int pid;
    int64_t start; /* wall clock, nanoseconds */
};

struct comments_counters {
    uint64_t samples, dropped_unwind, dropped_memory, dropped_labels;
};

void comments_identify(struct comments_identity *identity);

/* Sets the comments of the source and writes the profile: 0 or an errno. */
int comments_write(struct comments_identity *identity, const struct comments_counters *counters,
                   struct snapshot_source *source, writer_sink sink, void *context);

/* What such a profile would say, one text after the other, each terminated, cut to whole texts; the length. The first
 * are the names of frames to drop, or "". */
size_t comments_pack(struct comments_identity *identity, const struct comments_counters *counters,
                     const struct snapshot_source *source, char *out, size_t size);

#endif
