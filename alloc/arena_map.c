/* Growth, in steps:
 *   1. Take the chunks from what is left of the last reservation.
 *   2. Too little: reserve 64 MiB (or what is needed, if more) with the old end as a hint, so that the heap grows as
 *      one piece; where limits forbid that much, reserve just what is needed.
 *   3. Make the chunks Prepared (this is where the kernel may say no). *   4. Make sure that every arena touched has
 * its table of spans: the next one of the near tables, or where the arena does not follow the one before, a table of
 * its own.
 *
 * The first hint lies far from where programs and libraries are, at a random distance, so that growing upward meets
 * nothing; it is only a hint, and the window follows wherever the kernel puts the first reservation.
 *
 * Locks: the caller holds the page heap's. May run inside malloc. */
#include "alloc/arena_map.h"

#include "base/bits.h"
#include "base/os.h"
#include "base/rand.h"

enum { HINT_BITS = 12, HINT_STEP_SHIFT = 30 };

#define TABLE_BYTES   (ARENA_PAGES * sizeof(arena_page))
#define FIRST_HINT    ((uintptr_t)1 << 44)
#define WINDOW_BEFORE ((uintptr_t)1 << (WINDOW_SHIFT - 1)) /* the part of the window below the first reservation */

_Atomic uintptr_t arena_map_tables[WINDOW_ARENAS];
uintptr_t arena_map_window;
struct arena_map_near arena_map_near;

/* Under the page heap's lock. */
static struct {
    uintptr_t next, end;             /* of the current reservation: what was not handed out yet */
    uintptr_t hint;                  /* where the next reservation should begin; 0 before the first */
    uint64_t near_first, near_limit; /* arenas that have a place in the near tables */
    _Atomic uint64_t metadata_bytes;
} growth;

struct span *arena_map_far_span(const void *p) {
    uintptr_t offset = (uintptr_t)p - arena_map_window, arena = offset >> ARENA_SHIFT;
    if (arena >= WINDOW_ARENAS)
        return NULL;
    uintptr_t table = atomic_load_acquire(&arena_map_tables[arena]);
    return table ? atomic_load_relaxed(arena_map_place(table, offset >> HEAP_PAGE_SHIFT)) : NULL;
}

void arena_map_set(uint64_t page, uint64_t count, struct span *span) {
    for (uint64_t i = page; i < page + count; i++) {
        uintptr_t table = atomic_load_relaxed(&arena_map_tables[i / ARENA_PAGES]);
        atomic_store_relaxed(arena_map_place(table, i), span);
    }
}

bool arena_map_list_holds(const void *first, const void *slot, uint32_t most) {
    const void *at = first;
    for (uint32_t i = 0; i < most && at && arena_map_span(at); i++) {
        if (at == slot)
            return true;
        at = span_link_load(at);
    }
    return false;
}

static uintptr_t reserve(size_t bytes) {
    if (!growth.hint)
        growth.hint = FIRST_HINT + ((rand_entropy() & ((1u << HINT_BITS) - 1)) << HINT_STEP_SHIFT);
    return (uintptr_t)os_reserve((void *)growth.hint, bytes, CHUNK_BYTES);
}

static bool in_window(uintptr_t start, size_t bytes) {
    uintptr_t offset = start - arena_map_window;
    return offset < (1ull << WINDOW_SHIFT) && bytes <= (1ull << WINDOW_SHIFT) - offset;
}

static bool reserve_more(size_t need) {
    size_t bytes = need > (1ul << ARENA_SHIFT) ? need : 1ul << ARENA_SHIFT;
    uintptr_t start = reserve(bytes);
    if (!start && bytes > need)
        start = reserve(bytes = need);
    if (!start)
        return false;
    if (!arena_map_window)
        arena_map_window = start > WINDOW_BEFORE ? align_down(start - WINDOW_BEFORE, 1ull << ARENA_SHIFT)
                                                 : (uintptr_t)1 << ARENA_SHIFT;
    if (!in_window(start, bytes)) {
        os_free((void *)start, bytes);
        return false;
    }
    if (start != growth.end) {
        /* What was left of the last reservation is too small now and would be forgotten. */
        os_free((void *)growth.next, growth.end - growth.next);
        growth.next = start;
    }
    growth.end = growth.hint = start + bytes;
    return true;
}

/* Addresses for the tables of as much heap as the machine has memory, twice, or as a limit on addresses allows. */
static void reserve_near(uint64_t first_arena) {
    uint64_t bytes = os_physical_memory() * 2, limit = os_address_limit();
    uint64_t arenas = ((bytes < limit ? bytes : limit) >> ARENA_SHIFT) + 1;
    if (arenas > WINDOW_ARENAS - first_arena)
        arenas = WINDOW_ARENAS - first_arena;
    arena_map_near.pages = os_reserve(NULL, arenas * TABLE_BYTES, os_page_size());
    arena_map_near.base = arena_map_window + (first_arena << ARENA_SHIFT);
    growth.near_first = first_arena;
    growth.near_limit = arena_map_near.pages ? first_arena + arenas : first_arena;
}

static void *new_table(uint64_t arena) {
    if (!arena_map_near.base)
        reserve_near(arena);
    uint64_t next = growth.near_first + (atomic_load_relaxed(&arena_map_near.bytes) >> ARENA_SHIFT);
    if (arena != next || arena >= growth.near_limit)
        return os_alloc(TABLE_BYTES);
    arena_page *table = arena_map_near.pages + (arena - growth.near_first) * ARENA_PAGES;
    if (!os_map(table, TABLE_BYTES))
        return NULL;
    atomic_store_release(&arena_map_near.bytes, (next + 1 - growth.near_first) << ARENA_SHIFT);
    return table;
}

static bool ensure_arenas(uintptr_t start, size_t bytes) {
    for (uint64_t i = (start - arena_map_window) >> ARENA_SHIFT;
         i <= (start + bytes - 1 - arena_map_window) >> ARENA_SHIFT; i++) {
        if (atomic_load_relaxed(&arena_map_tables[i]))
            continue;
        uintptr_t table = (uintptr_t)new_table(i);
        if (!table)
            return false;
        atomic_bump_by_owner(&growth.metadata_bytes, TABLE_BYTES);
        atomic_store_release(&arena_map_tables[i], table - i * TABLE_BYTES);
    }
    return true;
}

/* A request that the kernel refused must not leave its address space reserved: limits count it. */
static void return_reservation(void) {
    os_free((void *)growth.next, growth.end - growth.next);
    growth.hint = growth.next;
    growth.next = growth.end = 0;
}

bool arena_map_grow_locked(uint64_t pages, uint64_t *first_page, uint64_t *page_count) {
    if (pages > WINDOW_PAGES)
        return false;
    size_t bytes = align_up(pages << HEAP_PAGE_SHIFT, CHUNK_BYTES);
    if (growth.end - growth.next < bytes && !reserve_more(bytes))
        return false;
    uintptr_t start = growth.next;
    if (!os_map((void *)start, bytes) || !ensure_arenas(start, bytes)) {
        return_reservation();
        return false;
    }
    growth.next += bytes;
    *first_page = arena_map_page(start);
    *page_count = bytes >> HEAP_PAGE_SHIFT;
    return true;
}

void arena_map_undo_growth_locked(uint64_t page_count) { growth.next -= page_count << HEAP_PAGE_SHIFT; }

uint64_t arena_map_metadata_bytes(void) { return atomic_load_relaxed(&growth.metadata_bytes); }
