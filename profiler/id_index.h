/* A hash index from a hash to small ids that only grows: the common part of the stack and bucket tables. The
 * owner keeps the things themselves and says which one is equal. Lookup takes no lock; insertion is under the
 * owner's lock. */
#ifndef HEAPTAP_PROFILER_ID_INDEX_H
#define HEAPTAP_PROFILER_ID_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/lock.h"

enum { ID_INDEX_FIRST = 64 };

struct id_slots {
    uint32_t count;
    struct id_slots *older;
    _Atomic uint64_t words[];
};

struct id_index {
    struct id_slots *_Atomic slots; /* written under the owner's lock, read by anybody (acquire); NULL = empty */
    size_t count;                   /* under the owner's lock */
    /* The first slots, since most programs have few stacks: laid out as a struct id_slots. */
    _Alignas(16) uint64_t first[2 + ID_INDEX_FIRST];
};

/* Is the thing with this id the one that is looked for? */
typedef bool (*id_index_match)(uint32_t id, const void *wanted, const void *context);

/* 0 = not there. */
uint32_t id_index_find(const struct id_index *index, uint64_t hash, id_index_match match, const void *wanted,
                       const void *context);

/* Makes the thing that is wanted, complete, under the owner's lock; its id, or 0 where there is no memory for it. */
typedef uint32_t (*id_index_append)(void *owner, const void *wanted);

/* The id of what is wanted, made where it is not there yet; 0 where there is no memory. `lock` is the owner's. */
uint32_t id_index_intern(struct id_index *index, struct lock *lock, uint64_t hash, id_index_match match,
                         id_index_append append, const void *wanted, void *owner);

/* Makes room for one more; false when there is no memory. */
bool id_index_reserve_locked(struct id_index *index);
/* Publishes id > 0, whose thing must be complete. Room must have been reserved. */
void id_index_insert_locked(struct id_index *index, uint64_t hash, uint32_t id);

void id_index_free(struct id_index *index);

#endif
