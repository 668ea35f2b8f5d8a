/* A span: a run of pages that holds objects of one size class, or one large object.
 *
 *   pages   | slot 0 | slot 1 | slot 2 | ... | slot carved-1 | never touched ...        | tail |
 *               ^free -> ^ -> ^ (links in the first word of free slots)
 *
 * Frees go to the span's list. While a cache allocates from the span it does so from a list of its own, which it took
 * from the span: see cache.h.
 *
 * Who owns a small span may allocate from it and touch its list without any lock: the cache of one thread, or nobody,
 * then it belongs to its class's central list and that lock guards it. `owner` says which.
 *
 * Invariants, walked by validate.c for a span at rest:
 *
 *   - free + more + its cache's list, if current + handed out or on a remote list == carved slots <= slots
 *   - where an object is sampled, SPAN_SAMPLED is in owner (it is cleared lazily)
 *   - state FULL: all is carved, as many slots are free as were freed since; countdown == what is left of `patience`
 *   - state PARTIAL: countdown == handed out, or SPAN_NO_COUNT when that is 0
 *   - state CURRENT: countdown counts down from SPAN_NO_COUNT, by what its owner frees */
#ifndef HEAPTAP_ALLOC_SPAN_H
#define HEAPTAP_ALLOC_SPAN_H

#include <stdbool.h>
#include <stdint.h>

#include "alloc/size_class.h"
#include "base/atomic.h"
#include "base/check.h"
#include "base/lock.h"

enum span_state {
    SPAN_DEAD = 0, /* no pages; waits in the fixalloc */
    SPAN_CURRENT,  /* its owner allocates from it */
    SPAN_PARTIAL,  /* has free slots; in a list of its owner or of central */
    SPAN_FULL,     /* every slot was handed out, and few are back */
    SPAN_LARGE     /* one object of more than SIZE_CLASS_MAX bytes */
};

/* owner == address of a struct cache, or 0 for central, plus this bit where some object may be sampled. */
#define SPAN_SAMPLED ((uintptr_t)1)
#define SPAN_CENTRAL ((uintptr_t)0)

/* Frees that a CURRENT span may see before its owner must act: more than it can ever see in one go. */
#define SPAN_NO_COUNT 0x40000000u

struct span {
    /* The line that every free reads. */
    _Alignas(64) _Atomic uintptr_t owner; /* written by the owner, or under the central lock; read by everybody */
    void *free;                           /* owner: free slots, newest first */
    uintptr_t base;     /* first byte of slot 0; constant while the span lives, like all below up to pages */
    uint32_t countdown; /* owner: frees until it must move or release the span */
    uint32_t slots;
    uint32_t inverse; /* of the size class: see size_class_index; 0 for large */
    _Atomic uint32_t
        carved;         /* bytes of the slots that were ever on the free list; the owner raises it, anybody reads it */
    uint8_t size_class; /* 0 for large */
    uint8_t state;      /* owner: enum span_state */
    uint8_t zeroed;     /* slots that were never handed out read zero, but for their link */
    uint8_t patience;   /* of a full span that a cache owns: frees before it is used again */
    uint32_t pages;
    size_t slot_size; /* bytes; of a large span, all its pages */

    size_t slots_bytes; /* of a small span: slots * slot_size */

    struct span *next, *previous; /* owner: the list it is in */
    void *more;                   /* owner: free slots that no one will add to */
    /* Two bits a slot, in two arrays, one behind the other: the owner's, which it alone writes, and those that other
     * threads forgot, who set them. A slot is sampled whose first bit is set and whose second is not. NULL until the
     * first sample, which publishes it by `sampled`. */
    _Atomic(uint64_t) *sample_bits;
    uint32_t bitmap_words;    /* of each array */
    _Atomic uint32_t sampled; /* the owner's bits; the owner writes. Of a large span, whether it is sampled */
    _Atomic bool guarded;     /* guard.h: it was so from its first object on; the owner sets it */
};

_Static_assert(sizeof(struct span) == 128, "two cache lines");
_Static_assert(offsetof(struct span, next) == 64, "the first line is free's fast path and all that it decides");

/* Slots that were ever on the free list. */
static inline uint32_t span_carved_slots(const struct span *span) {
    return size_class_index(atomic_load_relaxed(&span->carved), span->inverse);
}

/* Whether an address in the span is where a slot begins; never for a large span. */
static inline bool span_is_slot_start(const struct span *span, const void *p) {
    return (uint32_t)((uintptr_t)p - span->base) * span->inverse < span->inverse;
}

/* The same, of a slot that was handed out once. */
static inline bool span_is_carved_slot(const struct span *span, const void *p) {
    return (uintptr_t)p - span->base < atomic_load_relaxed(&span->carved) && span_is_slot_start(span, p);
}

static inline uint32_t span_index(const struct span *span, uintptr_t object) {
    return size_class_index((uint32_t)(object - span->base), span->inverse);
}

static inline uintptr_t span_limit(const struct span *span) {
    return span->base + ((uintptr_t)span->pages << HEAP_PAGE_SHIFT);
}

/* A free slot's link is stored rotated by 16 bits, XOR a secret of the process. The upper 16 bits of an address are 0,
 * so the first two bytes in memory are the key's lead. A slot that is handed out has its first word cleared. So
 *   - a slot that begins with the lead is most likely free already;
 *   - a write that runs over the end of the slot before by one byte or more breaks the lead: the link leads nowhere. */
enum { SPAN_LEAD_BITS = 16 };
extern HIDDEN uintptr_t span_link_key; /* constant after the first growth of the heap */
void span_choose_link_key(void);

static inline void span_link_store_keyed(void *slot, const void *next, uintptr_t key) {
    uintptr_t address = (uintptr_t)next, word = (address << SPAN_LEAD_BITS | address >> (64 - SPAN_LEAD_BITS)) ^ key;
    __builtin_memcpy(slot, &word, sizeof word);
}

static inline void span_link_store(void *slot, const void *next) { span_link_store_keyed(slot, next, span_link_key); }

static inline void *span_link_load(const void *slot) {
    uintptr_t word;
    __builtin_memcpy(&word, slot, sizeof word);
    word ^= span_link_key;
    return (void *)(word >> SPAN_LEAD_BITS | word << (64 - SPAN_LEAD_BITS));
}

/* False for nearly every slot that is in use, true for every free one. */
static inline bool span_slot_looks_free_keyed(const void *slot, uintptr_t key) {
    uint16_t lead;
    __builtin_memcpy(&lead, slot, sizeof lead);
    return lead == (uint16_t)key;
}

static inline bool span_slot_looks_free(const void *slot) { return span_slot_looks_free_keyed(slot, span_link_key); }

/* Whether a free slot's link may be what was stored: the end, or in the span. */
static inline bool span_link_is_good(const struct span *span, const void *next) {
    return (uintptr_t)next - span->base < span->slots_bytes || !next;
}

/* A doubly linked list with its head; a zeroed one is empty. */
struct span_list {
    struct span *first;
    uint32_t count;
};

void span_list_push(struct span_list *list, struct span *span);
void span_list_remove(struct span_list *list, struct span *span);

/* NULL when there is no memory for it. The pages are the caller's business. */
struct span *span_create(uintptr_t base, uint32_t pages, unsigned size_class);
void span_destroy(struct span *span);

/* Puts up to one kernel page of untouched slots (at least one) on the free list. False when all are carved. */
bool span_carve(struct span *span);

static inline bool span_has_free(const struct span *span) { return span->free || span->more; }

/* Number of slots on both lists; walks them. */
uint32_t span_count_free(const struct span *span);

/* Objects in use or on their way back, of a span that is full or partial. Walks its lists only if slots were lost in a
 * fork. */
uint32_t span_handed_out(const struct span *span);

/* False: this slot is not sampled. True of one that is, and of one that was when another thread freed it and has not
 * been sampled since. For small spans that are marked SPAN_SAMPLED. */
static inline bool span_may_be_sampled(const struct span *span, uint32_t index) {
    return atomic_load_relaxed(&span->sample_bits[index / 64]) >> (index % 64) & 1;
}

/* Whether an object is sampled; any span, any thread to which the object belongs. */
bool span_is_sampled(const struct span *span, uint32_t index);

/* How many objects of the span are sampled; counts them. */
uint32_t span_count_sampled(const struct span *span);

/* The sampled mark of one slot. `mark` is the owner's; false without memory for the bitmap. `unmark` may run on any
 * thread, which says whether it owns the span: true when the slot was marked. Neither makes the owner wait for others:
 * no locked instruction, unless another thread freed what was sampled in the slot before. */
bool span_mark_sampled(struct span *span, uint32_t index);
bool span_unmark_sampled(struct span *span, uint32_t index, bool is_owner);

/* Every lock of this room, for fork. */
void span_locks_each(void (*visit)(struct lock *));
/* Bytes of span structures and sample bitmaps. */
void span_memory(uint64_t *inuse, uint64_t *sys);

#endif
