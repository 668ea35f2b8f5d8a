/* All stacks lie one after the other in one growing array of words; the id is the index of the first word.
 *
 *   words:  | 0 | header | frame 0 | frame 1 | .. | header | frame 0 | ..
 *                 ^id                              ^id
 *   header: retired generation << 32 | count of frames
 *
 * intern:
 *   1. hash the frames;
 *   2. look the hash up (profiler/id_index.h); the usual end, without a lock;
 *   3. under the lock append the words, then publish the id in the index.
 *
 * Locks: RANK_STACK_TABLE for growth. May run inside malloc; memory comes from table_memory. */
#include "profiler/stack_table.h"

#include <string.h>

#include "base/atomic.h"
#include "base/bits.h"
#include "base/check.h"
#include "profiler/blackbox.h"

enum { FIRST_WORD = 1 }; /* id 0 is no stack */

struct wanted {
    const uintptr_t *frames;
    size_t count;
};

static uint64_t mix(uint64_t hash, uintptr_t frame) { return (hash ^ frame) * 0x9e3779b97f4a7c15ull + (hash >> 29); }

/* Four sums beside each other, since each of them waits for what it was before. */
static uint64_t hash_frames(const uintptr_t *frames, size_t count) {
    uint64_t a = count, b = 1, c = 2, d = 3;
    size_t i = 0;
    for (; i + 4 <= count; i += 4) {
        a = mix(a, frames[i]);
        b = mix(b, frames[i + 1]);
        c = mix(c, frames[i + 2]);
        d = mix(d, frames[i + 3]);
    }
    for (; i < count; i++)
        a = mix(a, frames[i]);
    return hash64(mix(mix(mix(a, b), c), d));
}

/* A retired stack has a header that no search asks for. */
static bool is_wanted(uint32_t id, const void *wanted, const void *context) {
    const struct wanted *want = wanted;
    const struct stack_table *table = context;
    return atomic_load_relaxed(stack_table_header(table, id)) == want->count &&
           (want->count == 0 ||
            memcmp(stack_table_frames(table, id), want->frames, want->count * sizeof *want->frames) == 0);
}

static uint32_t append_locked(void *owner, const void *wanted) {
    struct stack_table *table = owner;
    const struct wanted *want = wanted;
    lock_assert_held(&table->lock);
    uint32_t id = table->used ? table->used : FIRST_WORD;
    uint64_t end = (uint64_t)id + 1 + want->count;
    if (end > UINT32_MAX || !table_area_reach(&table->words, end * sizeof(uint64_t)))
        return 0;
    atomic_store_relaxed(stack_table_header(table, id), want->count);
    if (want->count)
        memcpy(table->words.base + ((size_t)id + 1) * sizeof(uint64_t), want->frames, want->count * sizeof(uintptr_t));
    if (!blackbox_seal_stack(id, want->frames, want->count))
        return 0;
    table->used = (uint32_t)end;
    return id;
}

uint32_t stack_table_intern(struct stack_table *table, const uintptr_t *frames, size_t count) {
    struct wanted want = {frames, count};
    return id_index_intern(&table->index, &table->lock, hash_frames(frames, count), is_wanted, append_locked, &want,
                           table);
}

static bool passes_through(struct stack_view stack, uintptr_t start, uintptr_t limit) {
    for (uint32_t i = 0; i < stack.count; i++) {
        /* A return address may be the first byte after the code that called. */
        if (stack.frames[i] - 1 >= start && stack.frames[i] - 1 < limit)
            return true;
    }
    return false;
}

size_t stack_table_retire(struct stack_table *table, uintptr_t start, uintptr_t limit, uint32_t generation) {
    size_t retired = 0;
    lock_acquire(&table->lock);
    for (uint32_t id = FIRST_WORD; id < table->used;) {
        struct stack_view stack = stack_table_view(table, id);
        if (!stack.retired && passes_through(stack, start, limit)) {
            if (blackbox_is_on())
                blackbox_seal_retired(BOX_STACK_RETIRED, id, generation);
            atomic_store_relaxed(stack_table_header(table, id), (uint64_t)generation << 32 | stack.count);
            retired++;
        }
        id += 1 + stack.count;
    }
    lock_release(&table->lock);
    return retired;
}

void stack_table_fork_prepare(struct stack_table *table) { lock_acquire_for_fork(&table->lock); }
void stack_table_fork_parent(struct stack_table *table) { lock_release(&table->lock); }
void stack_table_fork_child(struct stack_table *table) { lock_reset_after_fork(&table->lock); }

void stack_table_validate(struct stack_table *table) {
    size_t count = 0;
    lock_acquire(&table->lock);
    uint32_t id = FIRST_WORD;
    for (; id < table->used; count++) {
        struct stack_view stack = stack_table_view(table, id);
        struct wanted want = {stack.frames, stack.count};
        uint64_t hash = hash_frames(stack.frames, stack.count);
        if (!stack.retired)
            CHECK(id_index_find(&table->index, hash, is_wanted, &want, table) == id);
        id += 1 + stack.count;
    }
    CHECK(id == (table->used ? table->used : FIRST_WORD));
    CHECK(count == table->index.count);
    CHECK((size_t)table->used * sizeof(uint64_t) <= table->words.ready);
    lock_release(&table->lock);
}

void stack_table_free(struct stack_table *table) {
    id_index_free(&table->index);
    table_area_free(&table->words);
    table->used = 0;
}
