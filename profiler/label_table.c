/* The sets lie one after the other in one growing array of words; the id is the index of the first word.
 *
 *   words:  | 0 | bytes of the text | text, padded with zeros | bytes | text ..
 *                 ^id                                           ^id
 *
 * with: 1. build the text on the stack, old pairs and the new one in the order of their keys;
 *       2. look it up (profiler/id_index.h); the usual end, without a lock;
 *       3. under the lock append, then publish the id.
 *
 * Locks: RANK_STACK_TABLE, never together with the stacks' but in fork. Allocation: table_memory. */
#include "profiler/label_table.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/atomic.h"
#include "base/bits.h"
#include "base/check.h"
#include "profiler/blackbox.h"

enum { FIRST_WORD = 1 }; /* id 0 is the empty set */

struct label_text {
    size_t size;
    unsigned pairs;
    char bytes[LABEL_SET_BYTES];
};

static uint64_t *word_at(const struct label_table *table, uint32_t id) {
    return (uint64_t *)(void *)table->words.base + id;
}

struct label_view label_table_view(const struct label_table *table, uint32_t set) {
    if (!set)
        return (struct label_view){NULL, 0};
    return (struct label_view){(const char *)(word_at(table, set) + 1), *word_at(table, set)};
}

const char *label_value(const char *key) { return key + strlen(key) + 1; }

const char *label_next_key(struct label_view set, const char *key) {
    const char *next = set.text;
    if (key) {
        const char *value = label_value(key);
        next = value + strlen(value) + 1;
    }
    return set.text && next < set.text + set.size ? next : NULL;
}

static uint64_t hash_text(const struct label_text *text) {
    uint64_t hash = text->size;
    for (size_t i = 0; i < text->size; i++)
        hash = (hash ^ (unsigned char)text->bytes[i]) * 0x100000001b3;
    return hash64(hash);
}

static bool is_wanted(uint32_t id, const void *wanted, const void *context) {
    const struct label_text *text = wanted;
    struct label_view view = label_table_view(context, id);
    return view.text && view.size == text->size && memcmp(view.text, text->bytes, text->size) == 0;
}

static bool add_pair(struct label_text *text, const char *key, const char *value) {
    size_t key_size = strlen(key) + 1, value_size = strlen(value) + 1;
    if (key_size + value_size > sizeof text->bytes - text->size || text->pairs == LABEL_PAIRS_MAX)
        return false;
    memcpy(text->bytes + text->size, key, key_size);
    memcpy(text->bytes + text->size + key_size, value, value_size);
    text->size += key_size + value_size;
    text->pairs++;
    return true;
}

static bool build(struct label_text *text, struct label_view old, const char *key, const char *value) {
    bool placed = value == NULL, fits = true;
    text->size = 0;
    text->pairs = 0;
    for (const char *k = label_next_key(old, NULL); k && fits; k = label_next_key(old, k)) {
        int order = strcmp(k, key);
        if (order >= 0 && !placed) {
            fits = add_pair(text, key, value);
            placed = true;
        }
        if (order != 0)
            fits = fits && add_pair(text, k, label_value(k));
    }
    return fits && (placed || add_pair(text, key, value));
}

static uint32_t append_locked(void *owner, const void *wanted) {
    struct label_table *table = owner;
    const struct label_text *text = wanted;
    lock_assert_held(&table->lock);
    uint32_t id = table->used ? table->used : FIRST_WORD;
    uint64_t end = (uint64_t)id + 1 + (text->size + sizeof(uint64_t) - 1) / sizeof(uint64_t);
    if (end > UINT32_MAX || !table_area_reach(&table->words, end * sizeof(uint64_t)))
        return 0;
    *word_at(table, id) = text->size;
    memcpy(word_at(table, id) + 1, text->bytes, text->size);
    if (!blackbox_seal_labels(id, text->bytes, text->size))
        return 0;
    table->used = (uint32_t)end;
    return id;
}

int label_table_with(struct label_table *table, uint32_t set, const char *key, const char *value, uint32_t *out) {
    struct label_text text;
    if (!key || !*key || !build(&text, label_table_view(table, set), key, value))
        return EINVAL;
    uint32_t id = 0;
    if (text.size)
        id = id_index_intern(&table->index, &table->lock, hash_text(&text), is_wanted, append_locked, &text, table);
    if (text.size && !id)
        return ENOMEM;
    *out = id;
    return 0;
}

void label_table_fork_prepare(struct label_table *table) { lock_acquire_for_fork(&table->lock); }
void label_table_fork_parent(struct label_table *table) { lock_release(&table->lock); }
void label_table_fork_child(struct label_table *table) { lock_reset_after_fork(&table->lock); }

void label_table_free(struct label_table *table) {
    id_index_free(&table->index);
    table_area_free(&table->words);
    table->used = 0;
}
