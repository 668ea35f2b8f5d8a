/* Interned call stacks: the same frames always give the same small id. Append-only and bounded by the ceiling
 * of table_memory. Frames are raw return addresses, the leaf first.
 *
 * When a library is unloaded its addresses may come to mean other code. stack_table_retire then takes the
 * stacks that pass through it out of use: they keep their id and frames, equal frames get a new id from then
 * on. */
#ifndef HEAPTAP_PROFILER_STACK_TABLE_H
#define HEAPTAP_PROFILER_STACK_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/atomic.h"
#include "base/lock.h"
#include "profiler/id_index.h"
#include "profiler/table_memory.h"
#include "proto/box.h"

struct stack_table {
    struct lock lock;        /* of everything that grows */
    struct id_index index;   /* read without the lock */
    struct table_area words; /* stacks one after the other; append-only */
    uint32_t used;           /* words in use; under the lock */
};

#define STACK_TABLE_INIT                                                                                               \
    { .lock = LOCK_INIT(RANK_STACK_TABLE), .words.share = 2, .words.box = BOX_STACKS }

struct stack_view {
    const uintptr_t *frames;
    uint32_t count;
    uint32_t retired; /* the generation (profiler/mapping.h) in which it was retired; 0 = in use */
};

/* The id, > 0; 0 when the table is full. Any thread; may run inside malloc. */
uint32_t stack_table_intern(struct stack_table *table, const uintptr_t *frames, size_t count);

/* The words behind an id (stack_table.c). */
static inline _Atomic uint64_t *stack_table_header(const struct stack_table *table, uint32_t id) {
    return (_Atomic uint64_t *)(void *)(table->words.base + (size_t)id * sizeof(uint64_t));
}

static inline const uintptr_t *stack_table_frames(const struct stack_table *table, uint32_t id) {
    return (const uintptr_t *)(const void *)(table->words.base + ((size_t)id + 1) * sizeof(uint64_t));
}

/* What an id stands for; valid for as long as the table lives. */
static inline struct stack_view stack_table_view(const struct stack_table *table, uint32_t id) {
    uint64_t header = atomic_load_relaxed(stack_table_header(table, id));
    return (struct stack_view){stack_table_frames(table, id), (uint32_t)header, (uint32_t)(header >> 32)};
}

/* Retires every stack in use that has a frame in [start, limit). How many they were. */
size_t stack_table_retire(struct stack_table *table, uintptr_t start, uintptr_t limit, uint32_t generation);

void stack_table_fork_prepare(struct stack_table *table);
void stack_table_fork_parent(struct stack_table *table);
void stack_table_fork_child(struct stack_table *table);

/* Aborts where an invariant does not hold: walks everything. Takes the lock. */
void stack_table_validate(struct stack_table *table);
/* Gives the memory back; for tests. */
void stack_table_free(struct stack_table *table);

#endif
