/* The black box: with HEAPTAP_BLACKBOX the tables of the profiler lie in a file that outlives the process (proto/box.h,
 * docs/blackbox.md). Without it nothing here does anything.
 *
 * A table puts its areas there by their `box` (profiler/table_memory.h), seals each record before it is referred to,
 * and counts; everything else is here. */
#ifndef HEAPTAP_PROFILER_BLACKBOX_H
#define HEAPTAP_PROFILER_BLACKBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/atomic.h"
#include "base/check.h"
#include "base/options.h"
#include "proto/box.h"

extern struct box_header *blackbox_header; /* NULL = none; written at start and in the child of fork */

static inline bool blackbox_is_on(void) { return UNLIKELY(blackbox_header != NULL); }

/* Where it is asked for, before the first table is used. What goes wrong is one line on stderr, and the tables are in
 * memory. */
void blackbox_start(const struct options *options);

/* Writes the rate and the texts of a beat (proto/box.h); the length. Outside malloc. */
typedef size_t (*blackbox_describe)(char *text, size_t size, uint64_t *rate);

/* The first beat, and a thread that makes one each second. This and the next only where blackbox_is_on(). */
void blackbox_run(blackbox_describe describe);

/* The program ends by itself. The box stays and is marked so; a forked child's is removed. */
void blackbox_close(void);

/* Once for each record, when it is whole and before anything refers to it. False when there is no room: the record must
 * not be used. The table's lock is held. May run inside malloc. The inline ones are for what every program calls. */
bool blackbox_seal_stack_slow(uint32_t id, const uintptr_t *frames, size_t count);
bool blackbox_seal_bucket_slow(uint32_t id, uint32_t stack, uint32_t labels, uint64_t slot_size, uint64_t rate);
bool blackbox_seal_labels(uint32_t id, const char *text, size_t size);
/* A struct mapping_row, which is a struct box_row. Where blackbox_is_on(). */
bool blackbox_seal_row(uint32_t index, const void *row, const char *filename);

static inline bool blackbox_seal_stack(uint32_t id, const uintptr_t *frames, size_t count) {
    return !blackbox_is_on() || blackbox_seal_stack_slow(id, frames, count);
}

static inline bool blackbox_seal_bucket(uint32_t id, uint32_t stack, uint32_t labels, uint64_t slot_size,
                                        uint64_t rate) {
    return !blackbox_is_on() || blackbox_seal_bucket_slow(id, stack, labels, slot_size, rate);
}

/* A stack or a row is retired; before its own word says so. Where blackbox_is_on(). */
void blackbox_seal_retired(enum box_kind kind, uint32_t id, uint32_t generation);

/* A sample was counted in its bucket; a free was. */
static inline void blackbox_count_sample(void) {
    if (blackbox_is_on())
        atomic_add_release(&blackbox_header->samples, 1);
}

static inline void blackbox_count_free(void) {
    if (blackbox_is_on())
        atomic_add_release(&blackbox_header->freed, 1);
}

/* With the locks of all tables held, so that no record is half made. The child must be called before anything else
 * touches a table. False: there is no memory, and all tables are lost; they must be made anew. */
void blackbox_fork_prepare(void);
void blackbox_fork_parent(void);
bool blackbox_fork_child(bool follow);
/* In the child, when everything may be used again. */
void blackbox_fork_resume(void);

#endif
