/* The sampling contract: the only way in which the allocator knows that somebody watches it.
 *
 * The allocator counts allocations per thread and size class, and asks the hook how many more to count until
 * one is sampled. Byte-wise Poisson sampling with mean T splits exactly: of objects of k bytes each is sampled
 * with p = 1 - exp(-k/T), independently, so the count to the next one is geometric, and every (thread, class)
 * may count on its own. The fast path compares a counter that it keeps anyway, and knows nothing else.
 *
 * Hooks run on the allocating or freeing thread, inside malloc or free, with no allocator lock held. They must not
 * take the loader's lock, use stdio, or call what may. If a hook allocates (a library it calls does), the nested call
 * is served and not sampled: a sample that falls due in it is drawn anew, not moved to the next allocation. */
#ifndef HEAPTAP_ALLOC_HOOK_H
#define HEAPTAP_ALLOC_HOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HEAP_HOOK_NEVER UINT64_MAX

struct heap_hook {
    /* How many allocations of this slot size to count until the sampled one: 1 = the next. HEAP_HOOK_NEVER at rate 0.
     * *rate is the mean that was used, handed back with the sample. At rate 1 the count is 1, and
     * is not asked for again before the rate changes. For large objects (over 32 KiB) the size is 1, and
     * the count is of bytes: the object in which they end is sampled. */
    uint64_t (*draw)(size_t slot_size, uint64_t *rate);

    /* This object is sampled. `requested` is what the caller asked for, `slot_size` what it occupies. True: the
     * object is recorded, and `freed` will be called for it exactly once. False: it was dropped. */
    bool (*sampled)(void *object, size_t requested, size_t slot_size, uint64_t rate);

    /* A recorded object is about to be freed, or was resized in place (then `sampled` may follow at once, by the
     * ordinary draw). On the thread that frees, before the memory can be reused. */
    void (*freed)(void *object, size_t slot_size);
};

/* Installs the hook, once, for the life of the process; it must stay valid. */
void heap_hook_install(const struct heap_hook *hook);

/* The rate has changed: every thread draws anew at its next allocation. Any thread, any time. */
void heap_hook_redraw(void);

#endif
