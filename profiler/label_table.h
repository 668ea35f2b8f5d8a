/* Interned sets of labels: the same keys and values always give the same small id, 0 is the empty set. Append-only and
 * bounded by the ceiling of table_memory. A set is its pairs in the order of their keys:
 *
 *   key '\0' value '\0' key '\0' value '\0' ...
 *
 * Any thread. Finding a set takes no lock; may run inside malloc. */
#ifndef HEAPTAP_PROFILER_LABEL_TABLE_H
#define HEAPTAP_PROFILER_LABEL_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/lock.h"
#include "profiler/id_index.h"
#include "profiler/table_memory.h"
#include "proto/box.h"

enum { LABEL_SET_BYTES = 1024, LABEL_PAIRS_MAX = 16 };

struct label_table {
    struct lock lock;        /* of everything that grows */
    struct id_index index;   /* read without the lock */
    struct table_area words; /* sets one after the other; append-only */
    uint32_t used;           /* words in use; under the lock */
};

#define LABEL_TABLE_INIT                                                                                               \
    { .lock = LOCK_INIT(RANK_STACK_TABLE), .words.share = 16, .words.box = BOX_LABELS }

struct label_view {
    const char *text;
    size_t size; /* bytes, all zeros at the ends of keys and values included */
};

struct label_view label_table_view(const struct label_table *table, uint32_t set);

/* Into *out the set with `key` being `value`, and without the key where value is NULL. 0, or
 *   EINVAL: the key is empty, or the set would exceed LABEL_SET_BYTES or LABEL_PAIRS_MAX;   ENOMEM: the table is full.
 */
int label_table_with(struct label_table *table, uint32_t set, const char *key, const char *value, uint32_t *out);

/* The next pair of a set; start with NULL. NULL at the end. */
const char *label_next_key(struct label_view set, const char *key);
const char *label_value(const char *key);

void label_table_fork_prepare(struct label_table *table);
void label_table_fork_parent(struct label_table *table);
void label_table_fork_child(struct label_table *table);

/* Gives the memory back; for tests. */
void label_table_free(struct label_table *table);

#endif
