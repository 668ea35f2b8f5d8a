/* Unwind rules by address, for all threads: a table of one size or another in the library's own zero pages, which
 * become memory when they are touched. No lock, and no thread waits: a lookup finds a whole rule or nothing. */
#ifndef HEAPTAP_PROFILER_RULE_CACHE_H
#define HEAPTAP_PROFILER_RULE_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/atomic.h"
#include "base/check.h"

enum {
    RULE_CACHE_WAYS = 4, /* entries of a set: one line of the processor's cache */
    RULE_CACHE_SET_BITS_FIRST = 8,
    RULE_CACHE_SET_BITS_MAX = 14,
    RULE_CACHE_ADDRESS_BITS = 47,
};

/* key    address << 17 | whether it is exact << 16 | generation; 0 = free, RULE_CACHE_BUSY = being written
 * rule   a rule's word (profiler/unwind_rule.h)
 * An entry is written once in a generation: a key that is there before and after its rule was read is proof that
 * the rule belongs to it. */
#define RULE_CACHE_BUSY UINT64_MAX

struct rule_cache_entry {
    _Atomic uint64_t key, rule;
};

struct rule_cache_set {
    _Alignas(64) struct rule_cache_entry ways[RULE_CACHE_WAYS];
};

HIDDEN extern struct rule_cache_set rule_cache_sets[1 << RULE_CACHE_SET_BITS_MAX];
HIDDEN extern _Atomic uint64_t rule_cache_mask;       /* of the byte offsets of the sets in use */
HIDDEN extern _Atomic uint64_t rule_cache_generation; /* its lower 16 bits are never 0 */

static inline struct rule_cache_set *rule_cache_set_of(uintptr_t address) {
    uint64_t hash = (uint64_t)address << 6 ^ address >> 5; /* of short latency: each frame waits for the last one */
    return (struct rule_cache_set *)((char *)rule_cache_sets + (hash & atomic_load_relaxed(&rule_cache_mask)));
}

static inline uint64_t rule_cache_key(uintptr_t address, bool is_exact, uint64_t generation) {
    return (uint64_t)address << 17 | (uint64_t)is_exact << 16 | (generation & 0xffff);
}

/* The rule's word for `address`; 0: not there (no rule's word is 0). A return address and an interrupted
 * instruction at the same address have different rules: the first is that of the call before it. May run
 * inside malloc. */
static inline uint64_t rule_cache_find(uintptr_t address, bool is_exact, uint64_t generation) {
    struct rule_cache_set *set = rule_cache_set_of(address);
    uint64_t key = rule_cache_key(address, is_exact, generation);
    for (int i = 0; i < RULE_CACHE_WAYS; i++) {
        struct rule_cache_entry *entry = &set->ways[i];
        if (atomic_load_acquire(&entry->key) == key) {
            uint64_t rule = atomic_load_acquire(&entry->rule);
            return LIKELY(atomic_load_relaxed(&entry->key) == key) ? rule : 0;
        }
    }
    return 0;
}

static inline uint64_t rule_cache_now(void) { return atomic_load_acquire(&rule_cache_generation); }

/* Keeps a rule that was read while the generation was `generation`. It may not come to stay. */
void rule_cache_add(uintptr_t address, bool is_exact, uint64_t generation, uint64_t rule);

/* Everything that is in the table is void from now on. Any thread. */
void rule_cache_forget(void);

#endif
