/* String interning: the texts lie in the region one after the other, an array says where, and a hash_index
 * finds them.
 *
 * strtab_intern:
 *   1. hash the text, and compare it with the texts of the same hash
 *   2. none is equal: copy it into the region with a NUL behind it, and number it
 *
 * Locks: none. Allocation: the caller's region only. May run inside malloc. */
#include "proto/strtab.h"

#include <string.h>

#include "base/rand.h"

enum { FIRST_CAPACITY = 256 };

void strtab_init(struct strtab *table, struct region *region) {
    *table = (struct strtab){.region = region, .index.region = region, .seed = rand_entropy()};
}

static bool equals(const struct profile_string *known, const char *text, size_t length) {
    return known->length == length && (!length || memcmp(known->text, text, length) == 0);
}

static string_id find(const struct strtab *table, const char *text, size_t length, uint32_t hash) {
    uint32_t slot;
    string_id number = hash_index_first(&table->index, hash, &slot);
    while (number != HASH_INDEX_NONE && !equals(&table->strings[number], text, length))
        number = hash_index_next(&table->index, hash, &slot);
    return number;
}

static bool make_room(struct strtab *table) {
    if (table->count < table->capacity)
        return true;
    size_t old_size = table->capacity * sizeof *table->strings;
    size_t capacity = table->capacity ? (size_t)table->capacity * 2 : FIRST_CAPACITY;
    if (capacity >= PROFILE_NONE)
        return false;
    void *strings = region_grow(table->region, table->strings, old_size, capacity * sizeof *table->strings);
    if (!strings)
        return false;
    table->strings = strings;
    table->capacity = (uint32_t)capacity;
    return true;
}

string_id strtab_intern(struct strtab *table, const char *text, size_t length, bool *is_new) {
    uint32_t hash = (uint32_t)hash_bytes(text, length, table->seed);
    string_id known = find(table, text, length, hash);
    if (is_new)
        *is_new = known == PROFILE_NONE;
    if (known != PROFILE_NONE)
        return known;
    char *copy = length < UINT32_MAX ? region_alloc(table->region, length + 1) : NULL;
    if (!copy || !make_room(table) || !hash_index_add(&table->index, hash))
        return PROFILE_NONE;
    if (length)
        memcpy(copy, text, length);
    table->strings[table->count] = (struct profile_string){copy, (uint32_t)length};
    return table->count++;
}
