/* One malloc of a span:
 *   1. Under the lock take the lowest run of free pages; without one, grow the heap by whole chunks and take again.
 *      Big blocks take the lowest run at a multiple instead, and spans of small objects rather a shorter run than one
 *      without memory behind it.
 *   2. Account: the run leaves `free` or `released` for `inuse`.
 *   3. After unlock make the span structure and point the arena map's entries at it.
 * Freeing goes backwards. Pages stay with the process until a scavenge returns them: the next user finds them warm.
 *
 * Locks: page_heap, then arena_map's growth and fixalloc inside. System calls to release memory are made without
 * it: the run is marked allocated meanwhile, so nobody can take it. May run inside malloc. */
#include "alloc/page_heap.h"

#include "base/bits.h"
#include "base/check.h"
#include "base/os.h"

enum { HISTORY = 64 };

/* Of a large block a program often uses the beginning only. Where blocks begin anywhere, in time every page was some
 * block's beginning, and the whole heap is resident. So blocks of more than 2 MiB begin where other such blocks began.
 */
enum { BIG_PAGES = (2 << 20) >> HEAP_PAGE_SHIFT, BIG_ALIGN_MOST = ARENA_PAGES };
static_assert(BIG_PAGES * 2 >= CHUNK_PAGES, "alignment is to chunks");

static struct {
    struct lock lock;
    bool ready;
    struct page_alloc pages;
    /* In pages; their sum is all pages of the heap. Written under the lock, read by anybody. */
    _Atomic uint64_t inuse, free, released;
    _Atomic int64_t refused_at;
    uint64_t peak;                                    /* the most in use since page_heap_take_peak */
    struct page_heap_class classes[SIZE_CLASS_COUNT]; /* of each; pages of large spans, which change, are the rest */

    /* The spans that were freed last, for the message about a second free. */
    struct {
        uintptr_t base;
        uint32_t pages;
        size_t slot_size;
        bool large;
    } history[HISTORY];
    uint32_t history_next;
} heap = {.lock = LOCK_INIT(RANK_PAGE_HEAP)};

/* Moves pages between the three kinds; the arguments are what each gains. */
static void account_locked(int64_t inuse, int64_t free, int64_t released) {
    atomic_bump_by_owner(&heap.inuse, (uint64_t)inuse);
    atomic_bump_by_owner(&heap.free, (uint64_t)free);
    atomic_bump_by_owner(&heap.released, (uint64_t)released);
    if (atomic_load_relaxed(&heap.inuse) > heap.peak)
        heap.peak = atomic_load_relaxed(&heap.inuse);
}

/* A span of the class comes to be, or (-1) ends. Its pages are in use from before the one until after the other, so a
 * class never has more objects than the slots that are counted here. */
static void account_span_locked(unsigned size_class, uint64_t pages, int64_t sign) {
    struct page_heap_class *class = &heap.classes[size_class];
    lock_assert_held(&heap.lock);
    class->spans += (uint64_t)sign;
    if (size_class == 0)
        return;
    class->pages += (uint64_t)sign * pages;
    class->slots += (uint64_t)sign * ((pages << HEAP_PAGE_SHIFT) / size_classes[size_class].size);
}

/* `count` pages became used, of which `scavenged` had no memory behind them. */
static void account_taken_locked(uint64_t count, uint64_t scavenged) {
    account_locked((int64_t)count, -(int64_t)(count - scavenged), -(int64_t)scavenged);
}

static bool grow_locked(uint64_t count) {
    uint64_t first, grown;
    lock_assert_held(&heap.lock);
    if (!arena_map_grow_locked(count, &first, &grown)) {
        atomic_store_relaxed(&heap.refused_at, os_now());
        return false;
    }
    if (!page_alloc_grow(&heap.pages, first, grown)) {
        arena_map_undo_growth_locked(grown);
        return false;
    }
    account_locked(0, 0, (int64_t)grown);
    return true;
}

/* At a multiple of its size rounded up to a power of two. Grows the heap where only that is missing, but not while a
 * place must be somewhere that the search gave up looking for. */
static uint64_t take_big_locked(uint64_t count, uint64_t *scavenged) {
    uint64_t align = 1ull << (log2_floor(count - 1) + 1);
    if (align > BIG_ALIGN_MOST)
        align = BIG_ALIGN_MOST;
    uint64_t first = page_alloc_take_aligned(&heap.pages, count, align, scavenged);
    if (first != PAGE_ALLOC_NONE || page_alloc_largest_run(&heap.pages) >= count + align)
        return first;
    uint64_t end = heap.pages.chunk_limit * CHUNK_PAGES;
    uint64_t place = align_up(page_alloc_free_tail(&heap.pages, count + align), align);
    if (place + count > end && !grow_locked(place + count - end))
        return PAGE_ALLOC_NONE;
    return page_alloc_take_at(&heap.pages, place, count, scavenged) ? place : PAGE_ALLOC_NONE;
}

static uint64_t take_locked(uint64_t count, uint64_t *scavenged) {
    lock_assert_held(&heap.lock);
    if (!heap.ready) {
        if (!page_alloc_init(&heap.pages))
            return PAGE_ALLOC_NONE;
        span_choose_link_key();
        heap.ready = true;
    }
    uint64_t first = count > BIG_PAGES ? take_big_locked(count, scavenged) : PAGE_ALLOC_NONE;
    if (first == PAGE_ALLOC_NONE)
        first = page_alloc_take(&heap.pages, count, scavenged);
    if (first == PAGE_ALLOC_NONE && grow_locked(count))
        first = page_alloc_take(&heap.pages, count, scavenged);
    if (first == PAGE_ALLOC_NONE)
        return first;
    account_taken_locked(count, *scavenged);
    return first;
}

static void give_locked(uint64_t first, uint64_t count) {
    lock_assert_held(&heap.lock);
    page_alloc_give(&heap.pages, first, count);
    account_locked(-(int64_t)count, (int64_t)count, 0);
}

/* Gives pages that nobody wrote to since they were taken; `untouched`: they had no memory then either. */
static void give_back_locked(uint64_t first, uint64_t count, bool untouched) {
    give_locked(first, count);
    if (untouched) {
        page_alloc_set_scavenged(&heap.pages, first, count);
        account_locked(0, -(int64_t)count, (int64_t)count);
    }
}

/* Takes `count` pages at a multiple of `align`: takes more, and gives back both ends. */
static uint64_t take_aligned_locked(uint64_t count, uint64_t align, uint64_t *scavenged) {
    uint64_t first = take_locked(count + align - 1, scavenged);
    if (first == PAGE_ALLOC_NONE)
        return first;
    /* Alignment is of addresses, and the window's base is a multiple of an arena only. */
    uint64_t base_page = arena_map_window >> HEAP_PAGE_SHIFT;
    uint64_t aligned = align_up(first + base_page, align) - base_page;
    uint64_t head = aligned - first, tail = align - 1 - head;
    /* Where only a part was scavenged it is not known which: all counts as having memory, the safe side. */
    bool untouched = *scavenged == count + align - 1;
    if (head)
        give_back_locked(first, head, untouched);
    if (tail)
        give_back_locked(aligned + count, tail, untouched);
    *scavenged = untouched ? count : 0;
    return aligned;
}

/* The pages of a span of small objects: up to *count of them, of a smaller run where the longer one has no memory
 * behind it yet and the smaller one has. What is resident and idle is mostly short runs between spans in use. */
static uint64_t take_small_locked(uint64_t *count, uint64_t least, uint64_t *scavenged) {
    for (uint64_t n = *count;; n /= 2) {
        uint64_t first = take_locked(n, scavenged);
        bool last = n / 2 < least || n % 2 || atomic_load_relaxed(&heap.free) == 0;
        if (first == PAGE_ALLOC_NONE || *scavenged < n || (last && n == *count)) {
            *count = n;
            return first;
        }
        give_back_locked(first, n, true);
        if (last)
            return take_locked(*count, scavenged);
    }
}

static uint64_t take_span_locked(uint64_t *count, unsigned size_class, uint64_t align_pages, uint64_t *scavenged) {
    if (size_class)
        return take_small_locked(count, size_classes[size_class].pages, scavenged);
    return align_pages > 1 ? take_aligned_locked(*count, align_pages, scavenged) : take_locked(*count, scavenged);
}

struct span *page_heap_alloc(uint64_t count, unsigned size_class, uint64_t align_pages, bool *zeroed) {
    uint64_t scavenged = 0;
    if (count > WINDOW_PAGES / 2 || align_pages > WINDOW_PAGES / 4)
        return NULL;
    lock_acquire(&heap.lock);
    uint64_t first = take_span_locked(&count, size_class, align_pages, &scavenged);
    if (first != PAGE_ALLOC_NONE)
        account_span_locked(size_class, count, 1);
    lock_release(&heap.lock);
    if (first == PAGE_ALLOC_NONE)
        return NULL;
    struct span *span = span_create(arena_map_address(first), (uint32_t)count, size_class);
    if (!span) {
        lock_acquire(&heap.lock);
        give_locked(first, count);
        account_span_locked(size_class, count, -1);
        lock_release(&heap.lock);
        return NULL;
    }
    os_used((void *)span->base, span->pages << HEAP_PAGE_SHIFT);
    span->zeroed = *zeroed = scavenged == count;
    atomic_fence_release(); /* who walks the map finds the span whole */
    arena_map_set(first, size_class ? count : 1, span);
    return span;
}

static void remember_locked(const struct span *span) {
    uint32_t i = heap.history_next++ % HISTORY;
    heap.history[i].base = span->base;
    heap.history[i].pages = span->pages;
    heap.history[i].slot_size = span->slot_size;
    heap.history[i].large = span->size_class == 0;
}

void page_heap_free(struct span *span) {
    uint64_t first = arena_map_page(span->base), count = span->pages;
    arena_map_set(first, span->size_class ? count : 1, NULL);
    lock_acquire(&heap.lock);
    remember_locked(span);
    give_locked(first, count);
    account_span_locked(span->size_class, count, -1);
    lock_release(&heap.lock);
    span_destroy(span);
}

bool page_heap_resize(struct span *span, uint64_t count) {
    uint64_t first = arena_map_page(span->base), old = span->pages, scavenged;
    bool ok = true;
    DCHECK(span->state == SPAN_LARGE);
    if (count > WINDOW_PAGES / 2)
        return false;
    lock_acquire(&heap.lock);
    if (count < old) {
        give_locked(first + count, old - count);
    } else if (count > old) {
        ok = page_alloc_take_at(&heap.pages, first + old, count - old, &scavenged);
        if (ok)
            account_taken_locked(count - old, scavenged);
    }
    lock_release(&heap.lock);
    if (ok) {
        span->pages = (uint32_t)count;
        span->slot_size = count << HEAP_PAGE_SHIFT;
        span->zeroed = false;
    }
    return ok;
}

/* Marks the next idle run as taken, so that nobody else takes it while the kernel is asked. */
static bool take_idle_locked(uint64_t most, uint32_t dense, uint64_t limit, uint64_t *first, uint64_t *count) {
    uint32_t align = (uint32_t)(os_page_size() > HEAP_PAGE_SIZE ? os_page_size() / HEAP_PAGE_SIZE : 1);
    uint64_t scavenged;
    lock_assert_held(&heap.lock);
    if (!heap.ready || !page_alloc_find_idle(&heap.pages, limit, most, align, dense, first, count))
        return false;
    CHECK(page_alloc_take_at(&heap.pages, *first, *count, &scavenged));
    account_locked(0, (int64_t)scavenged, -(int64_t)scavenged);
    return true;
}

static void give_idle_locked(uint64_t first, uint64_t count, bool released) {
    lock_assert_held(&heap.lock);
    page_alloc_give(&heap.pages, first, count);
    if (released)
        page_alloc_set_scavenged(&heap.pages, first, count);
    if (released)
        account_locked(0, -(int64_t)count, (int64_t)count);
}

uint64_t page_heap_scavenge(uint64_t most, uint32_t dense, uint64_t *cursor) {
    bool found, released = false;
    uint64_t first = 0, count = 0;
    do {
        lock_acquire(&heap.lock);
        found = take_idle_locked(most, dense, *cursor, &first, &count);
        lock_release(&heap.lock);
        if (!found)
            return 0;
        released = os_unused((void *)arena_map_address(first), count << HEAP_PAGE_SHIFT);
        lock_acquire(&heap.lock);
        give_idle_locked(first, count, released);
        lock_release(&heap.lock);
        *cursor = first;
    } while (!released); /* locked memory stays; go on below it */
    return count;
}

void page_heap_return_addresses(void) {
    for (;;) {
        uint64_t scavenged = 0, first = PAGE_ALLOC_NONE;
        lock_acquire(&heap.lock);
        if (heap.ready)
            first = page_alloc_remove_chunk(&heap.pages, &scavenged);
        if (first != PAGE_ALLOC_NONE)
            account_locked(0, -(int64_t)(CHUNK_PAGES - scavenged), -(int64_t)scavenged);
        lock_release(&heap.lock);
        if (first == PAGE_ALLOC_NONE)
            return;
        os_free((void *)arena_map_address(first), CHUNK_BYTES);
    }
}

struct page_heap_ready page_heap_read_ready(void) {
    return (struct page_heap_ready){atomic_load_relaxed(&heap.inuse), atomic_load_relaxed(&heap.free)};
}

int64_t page_heap_refused_at(void) { return atomic_load_relaxed(&heap.refused_at); }

uint64_t page_heap_take_peak(void) {
    lock_acquire(&heap.lock);
    uint64_t peak = heap.peak;
    heap.peak = atomic_load_relaxed(&heap.inuse);
    lock_release(&heap.lock);
    return peak;
}

void page_heap_read_stats(struct page_heap_stats *out) {
    lock_acquire(&heap.lock);
    out->inuse_bytes = atomic_load_relaxed(&heap.inuse) << HEAP_PAGE_SHIFT;
    out->free_bytes = atomic_load_relaxed(&heap.free) << HEAP_PAGE_SHIFT;
    out->released_bytes = atomic_load_relaxed(&heap.released) << HEAP_PAGE_SHIFT;
    out->largest_free_run_bytes = heap.ready ? page_alloc_largest_run(&heap.pages) << HEAP_PAGE_SHIFT : 0;
    out->metadata_bytes = page_heap_metadata_bytes();
    uint64_t large = atomic_load_relaxed(&heap.inuse);
    for (unsigned i = 0; i < SIZE_CLASS_COUNT; i++) {
        out->classes[i] = heap.classes[i];
        large -= heap.classes[i].pages;
    }
    out->classes[0].pages = large;
    lock_release(&heap.lock);
}

uint64_t page_heap_metadata_bytes(void) {
    return atomic_load_relaxed(&heap.pages.metadata_bytes) + arena_map_metadata_bytes();
}

static struct page_heap_owner owner_from_history_locked(uintptr_t address) {
    for (uint32_t i = 0; i < HISTORY; i++) {
        uint32_t at = (heap.history_next - 1 - i) % HISTORY;
        uintptr_t base = heap.history[at].base;
        if (base && address - base < (uintptr_t)heap.history[at].pages << HEAP_PAGE_SHIFT)
            return (struct page_heap_owner){true, true, base, heap.history[at].slot_size, heap.history[at].large};
    }
    return (struct page_heap_owner){0};
}

struct covering {
    uintptr_t address;
    struct page_heap_owner owner;
};

static void check_covers(struct span *span, void *context) {
    struct covering *covering = context;
    if (covering->address - span->base < (uintptr_t)span->pages << HEAP_PAGE_SHIFT)
        covering->owner = (struct page_heap_owner){true, false, span->base, span->slot_size, span->size_class == 0};
}

struct page_heap_owner page_heap_explain(uintptr_t address) {
    struct covering covering = {.address = address};
    page_heap_each_span(check_covers, &covering);
    if (covering.owner.found)
        return covering.owner;
    lock_acquire(&heap.lock);
    struct page_heap_owner owner = owner_from_history_locked(address);
    lock_release(&heap.lock);
    return owner;
}

static uint64_t limit_locked(void) { return heap.ready ? heap.pages.chunk_limit * CHUNK_PAGES : 0; }

/* Visits the spans that begin in [page, limit); returns where to go on. The size of a large one may be changing. */
static RACY_READS uint64_t walk_locked(uint64_t page, uint64_t limit, void (*visit)(struct span *, void *),
                                       void *context) {
    lock_assert_held(&heap.lock);
    while (page < limit) {
        uintptr_t table = atomic_load_relaxed(&arena_map_tables[page / ARENA_PAGES]);
        if (!table) {
            page = align_up(page + 1, ARENA_PAGES);
            continue;
        }
        struct span *span = atomic_load_acquire(arena_map_place(table, page));
        if (span)
            visit(span, context);
        page += span && span->pages ? span->pages : 1;
    }
    return page;
}

void page_heap_each_span(void (*visit)(struct span *, void *), void *context) {
    lock_acquire(&heap.lock);
    walk_locked(heap.pages.chunk_first * CHUNK_PAGES, limit_locked(), visit, context);
    lock_release(&heap.lock);
}

void page_heap_each_span_in_turn(void (*visit)(struct span *, void *), void *context) {
    uint64_t page = 0, limit;
    do {
        lock_acquire(&heap.lock);
        limit = limit_locked();
        if (page < heap.pages.chunk_first * CHUNK_PAGES)
            page = heap.pages.chunk_first * CHUNK_PAGES;
        uint64_t stop = align_down(page, CHUNK_PAGES) + CHUNK_PAGES;
        page = walk_locked(page, stop < limit ? stop : limit, visit, context);
        lock_release(&heap.lock);
    } while (page < limit);
}

bool page_heap_validate(void) {
    lock_acquire(&heap.lock);
    bool ok = !heap.ready || page_alloc_validate(&heap.pages);
    lock_release(&heap.lock);
    return ok;
}

struct lock *page_heap_lock(void) {
    return &heap.lock;
}
