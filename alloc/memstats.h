/* One view of the allocator's numbers, read without stopping any thread. */
#ifndef HEAPTAP_ALLOC_MEMSTATS_H
#define HEAPTAP_ALLOC_MEMSTATS_H

#include "include/heaptap.h"

/* Fills every field but buck_hash_sys, which is the profiler's. */
void memstats_read(struct heaptap_memstats *out);
void memstats_read_thread(struct heaptap_counters *out);

#endif
