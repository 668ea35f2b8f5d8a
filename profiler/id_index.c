/* Open addressing with linear probes. A slot is one word, upper half of the hash and id; 0 is empty. The
 * upper half also gives the place, so that a larger array can be filled from the words alone.
 *
 *   find:    1. load the array (acquire).  2. probe from the hash; stop at an empty slot.  3. where the upper
 * half of the hash agrees, ask the owner. insert:  1. when three quarters are used, copy the words to an
 * array of twice the size and publish it; readers may go on in the old one, where they miss only what came
 * later and then ask again under the lock.
 *            2. store the word (release): whoever sees it sees the thing behind it.
 *
 * Old arrays are kept, since a reader may stand in one; together they are smaller than the current one.
 * May run inside malloc; memory comes from table_memory. */
#include "profiler/id_index.h"

#include "base/atomic.h"
#include "base/check.h"
#include "profiler/table_memory.h"

enum { FIRST_SLOTS = 1024 };

struct id_slots {
    size_t mask;
    struct id_slots *older;
    _Atomic uint64_t words[];
};

static size_t slots_bytes(size_t count) { return sizeof(struct id_slots) + count * sizeof(uint64_t); }

static uint64_t make_word(uint64_t hash, uint32_t id) { return (hash & 0xffffffff00000000ull) | id; }

uint32_t id_index_find(const struct id_index *index, uint64_t hash, id_index_match match, const void *wanted,
                       const void *context) {
    const struct id_slots *slots = atomic_load_acquire(&index->slots);
    if (!slots)
        return 0;
    for (size_t i = (hash >> 32) & slots->mask;; i = (i + 1) & slots->mask) {
        uint64_t word = atomic_load_acquire(&slots->words[i]);
        if (!word)
            return 0;
        uint32_t id = (uint32_t)word;
        if (word == make_word(hash, id) && match(id, wanted, context))
            return id;
    }
}

static void place(struct id_slots *slots, uint64_t word) {
    size_t i = (word >> 32) & slots->mask;
    while (atomic_load_relaxed(&slots->words[i]))
        i = (i + 1) & slots->mask;
    atomic_store_release(&slots->words[i], word);
}

bool id_index_reserve_locked(struct id_index *index) {
    struct id_slots *old = atomic_load_relaxed(&index->slots);
    size_t old_count = old ? old->mask + 1 : 0;
    if (index->count + 1 <= old_count - old_count / 4)
        return true;
    size_t count = old ? old_count * 2 : FIRST_SLOTS;
    struct id_slots *slots = table_memory_alloc(slots_bytes(count));
    if (!slots)
        return false;
    slots->mask = count - 1;
    slots->older = old;
    for (size_t i = 0; i < old_count; i++) {
        uint64_t word = atomic_load_relaxed(&old->words[i]);
        if (word)
            place(slots, word);
    }
    atomic_store_release(&index->slots, slots);
    return true;
}

void id_index_insert_locked(struct id_index *index, uint64_t hash, uint32_t id) {
    DCHECK(id != 0);
    place(atomic_load_relaxed(&index->slots), make_word(hash, id));
    index->count++;
}

void id_index_free(struct id_index *index) {
    struct id_slots *slots = atomic_load_relaxed(&index->slots);
    while (slots) {
        struct id_slots *older = slots->older;
        table_memory_free(slots, slots_bytes(slots->mask + 1));
        slots = older;
    }
    atomic_store_relaxed(&index->slots, NULL);
    index->count = 0;
}
