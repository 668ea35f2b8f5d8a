/* The executable segments of the program and its libraries, with their build ids, those of unloaded libraries
 * included. A stack's address belongs to the segment that was there when the stack was in use:
 *
 *   generation   counts unloads, from 0. A row that is unloaded gets the new number as `retired`, and so do
 * the stacks that pass through it (stack_table_retire). lookup       of address a for a stack retired at g:
 * among the rows that hold a, the one retired first at or after g; for a stack in use (g = 0), the row in
 * use.
 *
 * Rows are append-only and keep their index, so what a profile wrote stays true for the process's life. A library that
 * comes back to where it was last is the same row again. */
#ifndef HEAPTAP_PROFILER_MAPPING_H
#define HEAPTAP_PROFILER_MAPPING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/lock.h"
#include "base/region.h"
#include "profiler/stack_table.h"
#include "profiler/table_memory.h"
#include "proto/box.h"

enum { MAPPING_BUILD_ID_BYTES = 32, MAPPING_NONE = UINT32_MAX };

struct mapping_row {
    uintptr_t start, limit;                        /* page aligned */
    uint64_t offset;                               /* in the file */
    const char *filename;                          /* absolute where it is known */
    char build_id[2 * MAPPING_BUILD_ID_BYTES + 1]; /* lowercase hex; "" = none */
    uint32_t retired;                              /* generation; 0 = in use */
};

struct mapping_table {
    struct lock lock; /* of everything below */
    struct table_area rows, text;
    uint32_t count;
    size_t text_used;
    uint32_t generation;
    uint64_t loads, unloads;  /* the loader's counters at the last refresh */
    _Atomic uint32_t dropped; /* segments that are loaded and found no room for a row */
    bool is_full;             /* there have been some */
    struct stack_table *stacks;
};

#define MAPPING_TABLE_INIT(stack_table)                                                                                \
    {                                                                                                                  \
        .lock = LOCK_INIT(RANK_PROFILER), .stacks = (stack_table), .rows.share = 32, .text.share = 32,                 \
        .rows.box = BOX_ROWS, .text.box = BOX_TEXT                                                                     \
    }

/* Brings the rows up to date with the loader; true when a library has gone. Takes the loader's lock, then
 * ours, never both. Outside malloc only. */
bool mapping_refresh(struct mapping_table *table);
uint32_t mapping_dropped(const struct mapping_table *table);

/* The rows as they stand, in memory of the region: what a profile is written from. False without memory. */
struct mapping_copy {
    struct mapping_row *rows;
    uint32_t count;
};

bool mapping_copy(struct mapping_table *table, struct region *region, struct mapping_copy *copy);

/* Index of the row that `address` belonged to; MAPPING_NONE where there is none. */
uint32_t mapping_find(const struct mapping_copy *copy, uintptr_t address, uint32_t retired);

/* Empties the table; the child of a fork that lost it, and tests. */
void mapping_free(struct mapping_table *table);

void mapping_fork_prepare(struct mapping_table *table);
void mapping_fork_parent(struct mapping_table *table);
void mapping_fork_child(struct mapping_table *table);

/* Lowercase hex of the GNU build id in a PT_NOTE segment; "" where there is none. */
void mapping_read_build_id(const void *notes, size_t size, size_t align, char out[2 * MAPPING_BUILD_ID_BYTES + 1]);

#endif
