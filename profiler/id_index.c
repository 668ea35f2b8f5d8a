/* Open addressing with linear probes. A slot is one word, upper half of the hash and id; 0 is empty. The
 * upper half also gives the place, so that a larger array can be filled from the words alone.
 *
 *   find:    1. load the array (acquire).
 *            2. probe from the hash; stop at an empty slot.
 *            3. where the upper half of the hash agrees, ask the owner.
 *   insert:  1. when three quarters are used, copy the words to a larger array and publish it; readers may go on in
 *               the old one, where they miss only what came later and then ask again under the lock.
 *            2. store the word (release): whoever sees it sees the thing behind it.
 *   intern:  find without a lock, the usual end; then again under the lock, since another thread may have been first or
 *            the array has grown; else let the owner append, and insert.
 *
 * The first array lies in the index itself; the next fills one page to its end, and each later one twice as many
 * pages. The place of a hash is therefore a fraction of the array and not a remainder: counts are no powers of two.
 *
 * Old arrays are kept, since a reader may stand in one; together they are smaller than the current one.
 * May run inside malloc; memory comes from table_memory. */
#include "profiler/id_index.h"

#include <assert.h>

#include "base/atomic.h"
#include "base/check.h"
#include "base/os.h"
#include "profiler/table_memory.h"

static_assert(sizeof(struct id_slots) == 2 * sizeof(uint64_t), "the header takes two of the words of `first`");

static size_t slots_bytes(size_t count) { return sizeof(struct id_slots) + count * sizeof(uint64_t); }

static uint32_t place_of(const struct id_slots *slots, uint64_t word) {
    return (uint32_t)((word >> 32) * slots->count >> 32);
}

static uint32_t place_after(const struct id_slots *slots, uint32_t i) { return i + 1 < slots->count ? i + 1 : 0; }

static uint64_t make_word(uint64_t hash, uint32_t id) { return (hash & 0xffffffff00000000ull) | id; }

uint32_t id_index_find(const struct id_index *index, uint64_t hash, id_index_match match, const void *wanted,
                       const void *context) {
    const struct id_slots *slots = atomic_load_acquire(&index->slots);
    if (!slots)
        return 0;
    for (uint32_t i = place_of(slots, hash);; i = place_after(slots, i)) {
        uint64_t word = atomic_load_acquire(&slots->words[i]);
        if (!word)
            return 0;
        uint32_t id = (uint32_t)word;
        if (word == make_word(hash, id) && match(id, wanted, context))
            return id;
    }
}

static void place(struct id_slots *slots, uint64_t word) {
    uint32_t i = place_of(slots, word);
    while (atomic_load_relaxed(&slots->words[i]))
        i = place_after(slots, i);
    atomic_store_release(&slots->words[i], word);
}

static struct id_slots *first_slots(struct id_index *index) { return (struct id_slots *)(void *)index->first; }

/* An empty array: the index's own, then one of a page, then twice as many pages each time. */
static struct id_slots *next_slots(struct id_index *index, const struct id_slots *old) {
    struct id_slots *slots = first_slots(index);
    if (!old) {
        slots->count = ID_INDEX_FIRST;
        return slots;
    }
    size_t bytes = old == slots ? os_page_size() : 2 * slots_bytes(old->count);
    size_t count = (bytes - sizeof *slots) / sizeof(uint64_t);
    slots = count <= UINT32_MAX ? table_memory_alloc(bytes) : NULL;
    if (slots)
        slots->count = (uint32_t)count;
    return slots;
}

bool id_index_reserve_locked(struct id_index *index) {
    struct id_slots *old = atomic_load_relaxed(&index->slots);
    size_t old_count = old ? old->count : 0;
    if (index->count + 1 <= old_count - old_count / 4)
        return true;
    struct id_slots *slots = next_slots(index, old);
    if (!slots)
        return false;
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

uint32_t id_index_intern(struct id_index *index, struct lock *lock, uint64_t hash, id_index_match match,
                         id_index_append append, const void *wanted, void *owner) {
    uint32_t id = id_index_find(index, hash, match, wanted, owner);
    if (LIKELY(id))
        return id;
    lock_acquire(lock);
    id = id_index_find(index, hash, match, wanted, owner);
    if (!id && id_index_reserve_locked(index)) {
        id = append(owner, wanted);
        if (id)
            id_index_insert_locked(index, hash, id);
    }
    lock_release(lock);
    return id;
}

void id_index_free(struct id_index *index) {
    struct id_slots *slots = atomic_load_relaxed(&index->slots);
    while (slots) {
        struct id_slots *older = slots->older;
        if (slots != first_slots(index))
            table_memory_free(slots, slots_bytes(slots->count));
        slots = older;
    }
    *index = (struct id_index){.count = 0};
}
