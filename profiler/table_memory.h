/* Memory of the profiler's tables: from the kernel, never from malloc, and bounded by one ceiling
 * (HEAPTAP_TABLE_MAX) for all tables together. Full tables drop samples and count them; they never fail the
 * program. May run inside malloc. */
#ifndef HEAPTAP_PROFILER_TABLE_MEMORY_H
#define HEAPTAP_PROFILER_TABLE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Call before the first table is used. */
void table_memory_set_limit(uint64_t bytes);
uint64_t table_memory_limit(void);
/* Bytes that count against the ceiling now: MemStats' buck_hash_sys. */
uint64_t table_memory_used(void);

/* Zero-filled; NULL when the ceiling or the kernel says no. Sizes are rounded up to pages. */
void *table_memory_alloc(size_t size);
void table_memory_free(void *p, size_t size);

/* An array that grows and never moves, so that readers need no lock: the addresses are reserved at its first
 * use and made ready from the front. How many: the ceiling divided by `share` (0 is 1), or less where a limit on
 * address space forbids that. All zero is an empty area. The owner's lock protects it. */
struct table_area {
    char *base;
    size_t reserved;
    size_t ready;
    unsigned share;
    unsigned box; /* its place in the black box (enum box_region_id), where there is one; 0 = it is never there */
};

/* Where areas with a `box` lie instead, while one is set (profiler/blackbox.h). */
struct table_backing {
    char *(*place)(unsigned box, size_t *reserved);
    bool (*back)(unsigned box, size_t from, size_t to); /* offsets in the area */
};

/* Before any area is used, and in the child of fork. NULL: memory. */
void table_memory_set_backing(const struct table_backing *backing);

/* Makes the first `size` bytes usable. False when the ceiling or the kernel says no. */
bool table_area_reach(struct table_area *area, size_t size);
/* Gives everything back; for tests. */
void table_area_free(struct table_area *area);

#endif
