/* HEAPTAP_CHECK=1: checks that cost too much to be always on. Every malloc and free takes the slow path then
 * (thread.h), so that the fast ones need no test for it. Under valgrind they are on too, and valgrind is told of every
 * block.
 *
 *   in use  | requested bytes | canary, 8 bytes or more ................. | word |
 *   free    | link | 0xdf ............................................... | word |
 *
 * The last word holds the requested bytes and whether the sampling hook knows the object, sealed by the address. Each
 * canary byte depends on the address and is neither 0 nor text.
 *
 * What is in use is marked in its span's sample bits, here for every object: so a slot without its bit, in a span
 * that was guarded from its first object on, is free. That makes second frees certain to be found, and holds for
 * every free slot that it is 0xdf behind its link, whether it was ever used or not.
 *
 * Objects from before the checks began have no seal and are treated as without them.
 *
 * A freed object of up to 4 KiB rests among the last 1,024 such before it may be used again. */
#ifndef HEAPTAP_ALLOC_GUARD_H
#define HEAPTAP_ALLOC_GUARD_H

#include "alloc/cache.h"
#include "base/memcheck.h"

enum { GUARD_BYTES = 16 }; /* what an object needs beyond its requested bytes */

/* Written once, before guarded allocations; constant from then on. */
extern HIDDEN bool guard_on;
extern HIDDEN bool guard_valgrind; /* and valgrind is to be told; it reports bad writes then, unless HEAPTAP_CHECK=1 */

/* At start, while this is the only thread with a cache, where HEAPTAP_CHECK wants it or under valgrind. */
void guard_begin(bool wanted);

/* An operation begins, and no count of this thread's disagrees with its lists: now and then the whole heap is looked
 * over. */
void guard_tick(void);

/* At exit: looks over the whole heap once more. Aborts with a line when something is broken. */
void guard_finish(void);

/* What a request grows by. */
static inline size_t guard_room(void) { return guard_on ? GUARD_BYTES : 0; }

/* Around whatever touches slots that valgrind believes nobody may touch. They nest. */
static inline void guard_enter(void) {
    if (UNLIKELY(guard_valgrind))
        memcheck_pause();
}
static inline void guard_leave(void) {
    if (UNLIKELY(guard_valgrind))
        memcheck_resume();
}

/* A class has got slots to allocate from: guards its current span from the first object on, if that has none yet. Owner
 * only. */
void guard_adopt(const struct cache *cache, unsigned size_class);

/* Seals an object that was just taken from its span, after a look at what the slot held. False without memory for the
 * mark: then it is still free. Owner only; of large objects, before anybody knows them. */
bool guard_seal(struct span *span, void *object, size_t requested);

/* The hook knows the object, or does not after all. At first it does not. */
void guard_set_known(struct span *span, void *object, bool is_known);

enum guard_state {
    GUARD_NONE, /* from before the checks */
    GUARD_LIVE,
    GUARD_FREE
};

/* What an object is. Of a live one its requested bytes, after a look at its seal. Any thread. */
enum guard_state guard_look(struct span *span, void *object, size_t *requested);

/* The same, and a live one is from now on free: poisoned, its mark taken. *is_known: the hook must be told. Of two
 * threads that free the same object one gets GUARD_FREE. */
enum guard_state guard_open(struct span *span, void *object, bool *is_known);

/* Takes an opened small object and returns the one whose rest is over, which may be this one; NULL: none. */
void *guard_retire(const struct span *span, void *object);

/* An object whose rest ends early; NULL: none rests. */
void *guard_recall(void);

/* Every lock of the room, for fork. */
void guard_locks_each(void (*visit)(struct lock *));

#endif
