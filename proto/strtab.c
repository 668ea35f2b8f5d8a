/* String interning. A file with 20,000 C++ names holds a few MB of text, so lookup compares 32 bits of hash
 * before it compares bytes, and the hash takes eight bytes a step.
 *
 * strtab_intern:
 *   1. grow when the table is half full: new arrays of twice the size, every number put back by its kept hash
 *   2. probe linearly from hash & mask until the text or an empty slot is found
 *   3. copy a new text into the region, with a NUL behind it
 *
 * Locks: none. Allocation: the caller's region only; what growth leaves behind stays there until the region
 * is freed, at most as much as the table holds. May run inside malloc. */
#include "proto/strtab.h"

#include <string.h>

#include "base/bits.h"
#include "base/rand.h"

enum { FIRST_SLOTS = 512 };

uint64_t strtab_hash(const void *bytes, size_t length, uint64_t seed) {
    const unsigned char *p = bytes;
    uint64_t hash = seed ^ (length * 0x9e3779b97f4a7c15ull);
    uint64_t word;
    for (; length >= sizeof word; length -= sizeof word, p += sizeof word) {
        memcpy(&word, p, sizeof word);
        hash = hash64(hash ^ word);
    }
    word = 0;
    memcpy(&word, p, length);
    return hash64(hash ^ word);
}

void strtab_init(struct strtab *table, struct region *region) {
    *table = (struct strtab){.region = region, .seed = rand_entropy()};
}

static void put(struct strtab *table, string_id number) {
    uint32_t slot = table->hashes[number] & table->slot_mask;
    while (table->slots[slot])
        slot = (slot + 1) & table->slot_mask;
    table->slots[slot] = number + 1;
}

static bool grow(struct strtab *table) {
    struct region *region = table->region;
    size_t slots = table->slots ? ((size_t)table->slot_mask + 1) * 2 : FIRST_SLOTS;
    size_t capacity = slots / 2, count = table->count;
    if (slots > UINT32_MAX) return false;
    struct profile_string *strings = region_alloc(region, capacity * sizeof *strings);
    uint32_t *hashes = region_alloc(region, capacity * sizeof *hashes);
    uint32_t *fresh = region_alloc(region, slots * sizeof *fresh);
    if (!strings || !hashes || !fresh) return false;
    if (count) {
        memcpy(strings, table->strings, count * sizeof *strings);
        memcpy(hashes, table->hashes, count * sizeof *hashes);
    }
    table->strings = strings;
    table->hashes = hashes;
    table->slots = fresh;
    table->slot_mask = (uint32_t)slots - 1;
    table->capacity = (uint32_t)capacity;
    for (string_id number = 0; number < table->count; number++)
        put(table, number);
    return true;
}

static string_id find(const struct strtab *table, const char *text, size_t length, uint32_t hash) {
    if (!table->slots) return PROFILE_NONE;
    for (uint32_t slot = hash & table->slot_mask; table->slots[slot]; slot = (slot + 1) & table->slot_mask) {
        string_id number = table->slots[slot] - 1;
        const struct profile_string *known = &table->strings[number];
        if (table->hashes[number] == hash && known->length == length &&
            memcmp(known->text, text, length) == 0)
            return number;
    }
    return PROFILE_NONE;
}

string_id strtab_intern(struct strtab *table, const char *text, size_t length, bool *is_new) {
    uint32_t hash = (uint32_t)strtab_hash(text, length, table->seed);
    string_id known = find(table, text, length, hash);
    if (is_new) *is_new = known == PROFILE_NONE;
    if (known != PROFILE_NONE) return known;
    if (length >= UINT32_MAX || (table->count == table->capacity && !grow(table))) return PROFILE_NONE;
    char *copy = region_alloc(table->region, length + 1);
    if (!copy) return PROFILE_NONE;
    memcpy(copy, text, length);
    string_id number = table->count++;
    table->strings[number] = (struct profile_string){copy, (uint32_t)length};
    table->hashes[number] = hash;
    put(table, number);
    return number;
}
