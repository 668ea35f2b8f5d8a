/* A set is four entries, found by a hash of the address. Entries of former generations are free room. A set that is
 * full refuses; many refusals make the table larger, by more bits of the hash (what was kept is then
 * looked for elsewhere and read again), and at its largest they begin a new generation. So an entry never
 * changes within a generation, which is what makes a reader's proof simple.
 *
 * add:
 *   1. find an entry that is free or of a former generation; one of this address: nothing to do;
 *   2. claim it: its key becomes RULE_CACHE_BUSY by compare and swap. Whoever fails leaves it to the other;
 *   3. write the rule, then the key (release); or, where a new generation has begun meanwhile, 0.
 * find:
 *   the key (acquire), the rule (acquire), the key again. If a writer changed the rule in between, it had made
 * the key busy before that, and only a key of a later generation is ever put there.
 *
 * A generation is 16 bits of a counter of 64; when the 16 bits come round, the keys are cleared.
 * A writer that never comes back (its thread was not copied by fork) costs one entry.
 *
 * Locks: none. Allocation: none. May run inside malloc and in a signal handler. */
#include "profiler/rule_cache.h"

#include <stddef.h>

enum { REFUSALS_TO_GROW = 64, REFUSALS_TO_FORGET = 16384 };

#define MASK_OF(bits) ((UINT64_C(64) << (bits)) - 64)

struct rule_cache_set rule_cache_sets[1 << RULE_CACHE_SET_BITS_MAX];
_Atomic uint64_t rule_cache_mask = MASK_OF(RULE_CACHE_SET_BITS_FIRST);
_Atomic uint64_t rule_cache_generation = 1;

static _Atomic uint32_t refusals;

static_assert(sizeof(struct rule_cache_set) == 64, "a set is a line");

static void refuse(void) {
    uint64_t mask = atomic_load_relaxed(&rule_cache_mask);
    bool is_largest = mask == MASK_OF(RULE_CACHE_SET_BITS_MAX);
    if (atomic_add_relaxed(&refusals, 1) + 1 < (is_largest ? REFUSALS_TO_FORGET : REFUSALS_TO_GROW))
        return;
    atomic_store_relaxed(&refusals, 0);
    if (is_largest)
        rule_cache_forget();
    else
        atomic_cas_strong_acq_rel(&rule_cache_mask, &mask, mask << 2 | 3 * UINT64_C(64));
}

static void write_entry(struct rule_cache_entry *entry, uint64_t old_key, uint64_t key, uint64_t rule,
                        uint64_t generation) {
    if (!atomic_cas_strong_acq_rel(&entry->key, &old_key, RULE_CACHE_BUSY))
        return;
    atomic_store_release(&entry->rule, rule);
    atomic_store_release(&entry->key, generation == rule_cache_now() ? key : 0);
}

void rule_cache_add(uintptr_t address, bool is_exact, uint64_t generation, uint64_t rule) {
    struct rule_cache_set *set = rule_cache_set_of(address);
    struct rule_cache_entry *place = NULL;
    uint64_t key = rule_cache_key(address, is_exact, generation), place_key = 0;
    if (address >> RULE_CACHE_ADDRESS_BITS || generation != rule_cache_now())
        return;
    for (int i = 0; i < RULE_CACHE_WAYS; i++) {
        uint64_t there = atomic_load_acquire(&set->ways[i].key);
        if (there == key)
            return;
        if (!place && there != RULE_CACHE_BUSY && (there & 0xffff) != (generation & 0xffff)) {
            place = &set->ways[i];
            place_key = there;
        }
    }
    if (place)
        write_entry(place, place_key, key, rule, generation);
    else
        refuse();
}

static void clear(void) {
    for (size_t i = 0; i < sizeof rule_cache_sets / sizeof *rule_cache_sets; i++) {
        for (int j = 0; j < RULE_CACHE_WAYS; j++) {
            _Atomic uint64_t *key = &rule_cache_sets[i].ways[j].key;
            uint64_t there = atomic_load_relaxed(key);
            if (there && there != RULE_CACHE_BUSY)
                atomic_cas_strong_acq_rel(key, &there, 0);
        }
    }
}

void rule_cache_forget(void) {
    uint64_t now = atomic_load_relaxed(&rule_cache_generation), next;
    do {
        next = now + 1;
        next += (next & 0xffff) == 0;
    } while (!atomic_cas_weak_acq_rel(&rule_cache_generation, &now, next));
    if ((next & 0xffff) == 1)
        clear();
}
