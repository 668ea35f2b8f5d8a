/* An object's life under guard:
 *   1. adopt: its span gets 0xdf throughout, when no object of it is in use.
 *   2. seal: the slot must still be 0xdf behind its link; then canary and word are written and its bit is set.
 *   3. open: the bit must be set and the canary whole; the bit is cleared and the slot is 0xdf again.
 *   4. retire: it waits in a ring; whose turn is over must still be 0xdf, and goes back to its span.
 *
 * Now and then, and at exit, every slot of the heap is looked at: marked, its canary must be whole; not marked, it must
 * be 0xdf. The more memory there is to look at, the more operations lie between: the cost stays in proportion.
 *
 * A slot changes its state under one of 64 locks, chosen by its span, so whoever holds that lock sees no slot between
 * two states. What is broken is reported after the lock was given back: a handler of SIGABRT may call malloc.
 *
 * Locks: guard, with fixalloc's inside; the walk takes them under the page heap's. May run inside malloc. */
#include "alloc/guard.h"

#include <string.h>

#include "alloc/arena_map.h"
#include "alloc/page_heap.h"
#include "alloc/thread.h"
#include "alloc/validate.h"
#include "base/log.h"
#include "base/os.h"
#include "base/rand.h"

enum {
    POISON = 0xdf,
    LINK_BYTES = sizeof(void *),
    WORD_BYTES = sizeof(uint64_t),
    LOCKS = 64,
    RESTING = 1024,         /* objects */
    REST_BYTES_MOST = 4096, /* of one object */
    OPERATIONS_LEAST = 16384,
    BYTES_PER_OPERATION = 256, /* the walk looks at as many in the time of one operation */
    REQUESTED_BITS = 47,
    SEAL_BITS = 16
};
#define POISON_WORD    UINT64_C(0xdfdfdfdfdfdfdfdf)
#define REQUESTED_MASK ((UINT64_C(1) << REQUESTED_BITS) - 1)

_Static_assert(REQUESTED_BITS + 1 + SEAL_BITS == 64, "size, mark and seal fill the word");
_Static_assert(GUARD_BYTES == 2 * WORD_BYTES, "eight bytes of canary at least");

bool guard_on, guard_valgrind;

static uint64_t key;
static bool reports; /* damage ends the process: HEAPTAP_CHECK=1 */
static struct lock locks[LOCKS] = {[0 ... LOCKS - 1] = LOCK_INIT(RANK_GUARD)};
static _Atomic(void *) resting[RESTING];
static _Atomic uint64_t rested;
static _Atomic uint64_t operations; /* since the last walk */
static _Atomic uint64_t operations_to_walk = OPERATIONS_LEAST;
static _Atomic bool walking;

static struct lock *lock_of(const struct span *span) { return &locks[(uintptr_t)span / sizeof *span % LOCKS]; }

static uint64_t scramble(uint64_t x) {
    x = (x ^ x >> 32) * UINT64_C(0xd6e8feb86659fd93);
    x = (x ^ x >> 32) * UINT64_C(0xd6e8feb86659fd93);
    return x ^ x >> 32;
}

/* ---- one slot ---- */

/* What is wrong with a slot; byte counts from the object's start. */
struct damage {
    enum { WHOLE, PAST_END, SEAL_BROKEN, USED_AFTER_FREE } kind;
    void *object;
    size_t slot_size, requested, byte;
};

static void report(struct damage damage) {
    if (!reports)
        return;
    switch (damage.kind) {
    case WHOLE:
        return;
    case PAST_END:
        log_fatal("object %p of %zu bytes was written past its end: byte %zu", damage.object, damage.requested,
                  damage.byte);
    case SEAL_BROKEN:
        log_fatal("object %p in a slot of %zu bytes was written past its end: the slot's last bytes", damage.object,
                  damage.slot_size);
    case USED_AFTER_FREE:
        log_fatal("free object %p of %zu bytes was written to: byte %zu", damage.object, damage.slot_size, damage.byte);
    }
}

static char *word_of(const struct span *span, void *object) { return (char *)object + span->slot_size - WORD_BYTES; }

static uint64_t sealed(uint64_t content, const void *place) {
    return content | scramble(content ^ (uintptr_t)place ^ key) << (REQUESTED_BITS + 1);
}

static void store_word(const struct span *span, void *object, size_t requested, bool is_known) {
    char *place = word_of(span, object);
    uint64_t word = sealed(requested | (uint64_t)is_known << REQUESTED_BITS, place);
    memcpy(place, &word, sizeof word);
}

static bool load_word(const struct span *span, void *object, size_t *requested, bool *is_known) {
    char *place = word_of(span, object);
    uint64_t word;
    memcpy(&word, place, sizeof word);
    uint64_t content = word & (REQUESTED_MASK << 1 | 1);
    *requested = word & REQUESTED_MASK;
    *is_known = word >> REQUESTED_BITS & 1;
    return word == sealed(content, place) && *requested <= span->slot_size - GUARD_BYTES;
}

/* Eight bytes to repeat, each odd and between 0x81 and 0xbf: no text begins so, no end mark, no small number. */
static uint64_t canary_of(const void *object) {
    return (scramble((uintptr_t)object ^ key) | UINT64_C(0x8181818181818181)) & UINT64_C(0xbfbfbfbfbfbfbfbf);
}

static void write_canary(const struct span *span, void *object, size_t requested) {
    uint64_t canary = canary_of(object);
    char *end = word_of(span, object);
    for (char *p = (char *)object + requested; p < end; p++)
        *p = (char)(canary >> ((uintptr_t)p % 8 * 8));
}

static struct damage check_live(const struct span *span, void *object, size_t *requested, bool *is_known) {
    struct damage damage = {WHOLE, object, span->slot_size, 0, 0};
    if (!load_word(span, object, requested, is_known)) {
        *requested = span->slot_size - GUARD_BYTES; /* for who goes on nevertheless */
        *is_known = false;
        damage.kind = SEAL_BROKEN;
        return damage;
    }
    uint64_t canary = canary_of(object);
    char *begin = (char *)object + *requested, *end = word_of(span, object);
    for (char *p = begin; p < end; p++) {
        if (*p != (char)(canary >> ((uintptr_t)p % 8 * 8))) {
            damage.kind = PAST_END;
            damage.requested = *requested;
            damage.byte = (size_t)(p - (char *)object);
            return damage;
        }
    }
    return damage;
}

/* Slots are multiples of 8 bytes. The link is checked by whoever follows it. */
static struct damage check_free(const struct span *span, void *object) {
    struct damage damage = {WHOLE, object, span->slot_size, 0, 0};
    char *end = (char *)object + span->slot_size;
    for (char *p = (char *)object + LINK_BYTES; p < end; p += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, p, sizeof word);
        if (word == POISON_WORD)
            continue;
        while ((unsigned char)*p == POISON)
            p++;
        damage.kind = USED_AFTER_FREE;
        damage.byte = (size_t)(p - (char *)object);
        break;
    }
    return damage;
}

static bool is_marked(const struct span *span, const void *object) {
    return span_is_sampled(span, span->size_class ? span_index(span, (uintptr_t)object) : 0);
}

static uint32_t bit_of(const struct span *span, const void *object) {
    return span->size_class ? span_index(span, (uintptr_t)object) : 0;
}

/* ---- the whole heap ---- */

struct walk {
    struct damage damage; /* the first that was found */
    uint64_t bytes;
};

static void walk_span(struct span *span, void *context) {
    struct walk *walk = context;
    size_t requested;
    bool is_known, is_guarded = atomic_load_relaxed(&span->guarded);
    struct lock *lock = lock_of(span);
    lock_acquire(lock);
    for (uint32_t i = 0; i < span->slots && walk->damage.kind == WHOLE; i++) {
        void *object = (char *)span->base + i * span->slot_size;
        if (is_marked(span, object))
            walk->damage = check_live(span, object, &requested, &is_known);
        else if (is_guarded)
            walk->damage = check_free(span, object);
    }
    lock_release(lock);
    walk->bytes += span->size_class ? (uint64_t)span->pages << HEAP_PAGE_SHIFT : HEAP_PAGE_SIZE;
}

static void count_cache(struct cache *cache, void *count) {
    (void)cache;
    ++*(unsigned *)count;
}

/* The lists of a span are its owner's: they can be walked only where there is nobody else. */
static bool is_alone(void) {
    unsigned caches = 0;
    thread_each_cache(count_cache, &caches);
    return caches == 1 && os_thread_count() == 1;
}

/* The link of an object that rests is NULL, which is stored as the key itself. It changes only after the object has
 * left the ring. */
static RACY_READS struct damage check_resting(void) {
    for (unsigned i = 0; i < RESTING; i++) {
        void *object = atomic_load_acquire(&resting[i]);
        if (!object || *(const volatile uintptr_t *)object == span_link_key)
            continue;
        atomic_fence_acquire();
        if (atomic_load_relaxed(&resting[i]) == object)
            return (struct damage){USED_AFTER_FREE, object, arena_map_span(object)->slot_size, 0, 0};
    }
    return (struct damage){.kind = WHOLE};
}

static void walk_heap(void) {
    struct walk walk = {.damage = {.kind = WHOLE}};
    if (atomic_swap_acquire(&walking, true))
        return;
    guard_enter();
    page_heap_each_span(walk_span, &walk);
    report(walk.damage);
    report(check_resting());
    if (is_alone())
        validate_heap();
    guard_leave();
    uint64_t pause = walk.bytes / BYTES_PER_OPERATION;
    atomic_store_relaxed(&operations_to_walk, pause > OPERATIONS_LEAST ? pause : OPERATIONS_LEAST);
    atomic_store_relaxed(&operations, 0);
    atomic_store_release(&walking, false);
}

/* ---- an object's life ---- */

void guard_begin(bool wanted) {
    unsigned caches = 0;
    thread_each_cache(count_cache, &caches);
    if (caches > 1) {
        log_line("HEAPTAP_CHECK has no effect: threads were started before the library");
        return;
    }
    key = rand_entropy();
    reports = wanted;
    guard_valgrind = memcheck_is_running();
    guard_on = true;
    thread_close_fast_path();
}

void guard_tick(void) {
    if (reports && atomic_add_relaxed(&operations, 1) >= atomic_load_relaxed(&operations_to_walk))
        walk_heap();
}

void guard_finish(void) {
    if (reports)
        walk_heap();
}

void guard_adopt(const struct cache *cache, unsigned size_class) {
    struct span *span = cache->slots[size_class].current;
    if (atomic_load_relaxed(&span->guarded) || cache_current_handed_out(cache, size_class) != 0)
        return;
    char *object = (char *)span->base;
    for (uint32_t i = 0; i < span->slots; i++, object += span->slot_size)
        memset(object + LINK_BYTES, POISON, span->slot_size - LINK_BYTES);
    if (guard_valgrind)
        memcheck_forbid((void *)span->base, (size_t)span->pages << HEAP_PAGE_SHIFT);
    atomic_store_release(&span->guarded, true);
}

bool guard_seal(struct span *span, void *object, size_t requested) {
    struct damage damage = {.kind = WHOLE};
    struct lock *lock = lock_of(span);
    lock_acquire(lock);
    if (atomic_load_relaxed(&span->guarded))
        damage = check_free(span, object);
    bool marked = (damage.kind == WHOLE || !reports) && span_mark_sampled(span, bit_of(span, object));
    if (marked) {
        store_word(span, object, requested, false);
        write_canary(span, object, requested);
    }
    lock_release(lock);
    report(damage);
    if (marked && guard_valgrind) {
        memcheck_forbid(object, span->slot_size);
        memcheck_begin_block(object, requested);
    }
    return marked;
}

void guard_set_known(struct span *span, void *object, bool is_known) {
    size_t requested;
    bool was_known;
    struct lock *lock = lock_of(span);
    lock_acquire(lock);
    bool whole = load_word(span, object, &requested, &was_known);
    if (whole)
        store_word(span, object, requested, is_known);
    lock_release(lock);
    CHECK(whole);
}

static enum guard_state state_of(const struct span *span, const void *object) {
    if (is_marked(span, object))
        return GUARD_LIVE;
    return atomic_load_relaxed(&span->guarded) ? GUARD_FREE : GUARD_NONE;
}

enum guard_state guard_look(struct span *span, void *object, size_t *requested) {
    struct damage damage = {.kind = WHOLE};
    struct lock *lock = lock_of(span);
    bool is_known;
    guard_enter();
    lock_acquire(lock);
    enum guard_state state = state_of(span, object);
    if (state == GUARD_LIVE)
        damage = check_live(span, object, requested, &is_known);
    lock_release(lock);
    report(damage);
    guard_leave();
    return state;
}

enum guard_state guard_open(struct span *span, void *object, bool *is_known) {
    struct damage damage = {.kind = WHOLE};
    struct lock *lock = lock_of(span);
    size_t requested;
    lock_acquire(lock);
    enum guard_state state = state_of(span, object);
    if (state == GUARD_LIVE)
        damage = check_live(span, object, &requested, is_known);
    if (state == GUARD_LIVE && (damage.kind == WHOLE || !reports)) {
        span_unmark_sampled(span, bit_of(span, object), thread_owns(span));
        if (atomic_load_relaxed(&span->guarded)) {
            memset((char *)object + LINK_BYTES, POISON, span->slot_size - LINK_BYTES);
            span_link_store(object, NULL);
        }
    }
    lock_release(lock);
    report(damage);
    if (state == GUARD_LIVE && guard_valgrind)
        memcheck_end_block(object);
    return state;
}

static void *check_rested(void *object) {
    const struct span *span = arena_map_span(object);
    struct damage damage = check_free(span, object);
    if (damage.kind == WHOLE && span_link_load(object))
        damage = (struct damage){USED_AFTER_FREE, object, span->slot_size, 0, 0};
    report(damage);
    return object;
}

void *guard_retire(const struct span *span, void *object) {
    if (span->slot_size > REST_BYTES_MOST || !atomic_load_relaxed(&span->guarded))
        return object;
    uint64_t turn = atomic_add_relaxed(&rested, 1) % RESTING;
    void *oldest = atomic_swap_acq_rel(&resting[turn], object);
    return oldest ? check_rested(oldest) : NULL;
}

void *guard_recall(void) {
    for (unsigned i = 0; i < RESTING; i++) {
        void *object = atomic_load_relaxed(&resting[i]) ? atomic_swap_acq_rel(&resting[i], NULL) : NULL;
        if (object)
            return check_rested(object);
    }
    return NULL;
}

void guard_locks_each(void (*visit)(struct lock *)) {
    for (unsigned i = 0; guard_on && i < LOCKS; i++)
        visit(&locks[i]);
}
