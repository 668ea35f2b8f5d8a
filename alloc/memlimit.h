/* The soft memory limit, as Go's: it covers what the allocator has from the system less what it returned. Allocation
 * succeeds beyond it; what is idle is returned sooner. Thread safe, no lock. */
#ifndef HEAPTAP_ALLOC_MEMLIMIT_H
#define HEAPTAP_ALLOC_MEMLIMIT_H

#include <stdint.h>

#define MEMLIMIT_OFF INT64_MAX

int64_t memlimit_get(void);
/* Bytes, or MEMLIMIT_OFF; returns the previous limit. Changes goals only. */
int64_t memlimit_set(int64_t bytes);

/* Pages by which the heap exceeds the limit now, and its goal of 95% of the limit; 0 below. `metadata` is in bytes. */
uint64_t memlimit_excess_pages(uint64_t ready_pages, uint64_t metadata_bytes);
uint64_t memlimit_goal_excess_pages(uint64_t ready_pages, uint64_t metadata_bytes);

#endif
