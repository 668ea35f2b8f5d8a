/* One view of the allocator's numbers, read without stopping any thread. */
#ifndef HEAPTAP_ALLOC_MEMSTATS_H
#define HEAPTAP_ALLOC_MEMSTATS_H

#include "include/heaptap.h"

/* Fills every field but buck_hash_sys and heap_requested, which are the profiler's. Takes 10 to 100 ns a span.
 */
void memstats_read(struct heaptap_memstats *out);
/* The same without what is only found by visiting every span: zero are single_object_spans (in all and by class),
 * central_free and untouched, and cached_free is what both kinds of free slots are together. */
void memstats_read_totals(struct heaptap_memstats *out);
void memstats_read_thread(struct heaptap_counters *out);

#endif
