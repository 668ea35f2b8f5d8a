/* find(npages) is logarithmic: the summaries and bitmaps that a search looks at are counted on heaps from 1 MiB (one
 * chunk is the least there is) to 1 TiB, in several kinds of fragmentation, and for runs of every length. The pages
 * themselves are never touched: page_alloc only keeps the books, so a heap of 1 TiB costs some megabytes here. */
#include "alloc/page_alloc.h"

#include "base/os.h"
#include "base/rand.h"
#include "tests/support/unit.h"

enum { MOST_VISITS = 256 + 4 * 8 + 1, MOST_VISITS_ALIGNED = 320 * (5 + 16) };
enum { HOLES = 20000, SEARCHES = 4000, PAGE_SHIFT = 13 };

/* Where a real heap begins: in the middle of the window. */
#define FIRST_PAGE ((uint64_t)PAGE_ALLOC_CHUNKS / 2 * CHUNK_PAGES)

struct heap {
    struct page_alloc pages;
    uint64_t count;
    struct rand_state rand;
    uint64_t most, searches, sum;
};

/* One search, undone at once. */
static void look_for(struct heap *heap, uint64_t count) {
    uint64_t scavenged, before = heap->pages.visits;
    uint64_t first = page_alloc_take(&heap->pages, count, &scavenged);
    uint64_t visits = heap->pages.visits - before;
    if (first != PAGE_ALLOC_NONE)
        page_alloc_give(&heap->pages, first, count);
    heap->most = visits > heap->most ? visits : heap->most;
    heap->sum += visits;
    heap->searches++;
    if (visits > MOST_VISITS)
        fail_msg("%llu visits for %llu pages", (unsigned long long)visits, (unsigned long long)count);
}

/* The same for one that is to begin at a multiple: steps are bounded, and the chunks of the run itself are looked at.
 */
static void look_for_aligned(struct heap *heap, uint64_t count) {
    uint64_t scavenged, before = heap->pages.visits, align = CHUNK_PAGES << rand_below(&heap->rand, 5);
    uint64_t first = page_alloc_take_aligned(&heap->pages, count, align, &scavenged);
    uint64_t visits = heap->pages.visits - before;
    if (first != PAGE_ALLOC_NONE)
        page_alloc_give(&heap->pages, first, count);
    if (visits > MOST_VISITS_ALIGNED + heap->count / CHUNK_PAGES * (count > align))
        fail_msg("%llu visits for %llu pages at %llu", (unsigned long long)visits, (unsigned long long)count,
                 (unsigned long long)align);
}

/* Every length up to a chunk's, and of the longer ones those around each power of two and random ones. */
static void look_for_all(struct heap *heap) {
    for (uint64_t count = 1; count <= CHUNK_PAGES && count <= heap->count; count++)
        look_for(heap, count);
    for (uint64_t count = CHUNK_PAGES; count < heap->count; count *= 2)
        for (uint64_t near = count - 1; near <= count + 1; near++)
            look_for(heap, near);
    for (int i = 0; i < SEARCHES; i++) {
        look_for(heap, 1 + (rand_below(&heap->rand, heap->count) >> rand_below(&heap->rand, 28)));
        look_for_aligned(heap, CHUNK_PAGES / 2 + rand_below(&heap->rand, heap->count >> rand_below(&heap->rand, 28)));
    }
}

static void start(struct heap *heap, uint64_t bytes) {
    uint64_t scavenged;
    *heap = (struct heap){.count = bytes >> PAGE_SHIFT};
    heap->count = heap->count < CHUNK_PAGES ? CHUNK_PAGES : heap->count;
    rand_seed(&heap->rand, bytes);
    assert_true(page_alloc_init(&heap->pages));
    assert_true(page_alloc_grow(&heap->pages, FIRST_PAGE, heap->count));
    assert_true(page_alloc_take(&heap->pages, heap->count, &scavenged) == FIRST_PAGE);
}

/* Holes in a full heap: one in each of so many equal parts, of random length, up to a part. */
static void make_holes(struct heap *heap, uint64_t longest) {
    uint64_t parts = heap->count / 4 < HOLES ? heap->count / 4 : HOLES, part = heap->count / parts;
    for (uint64_t i = 0; i < parts; i++) {
        uint64_t most = longest < part ? longest : part, length = 1 + rand_below(&heap->rand, most);
        page_alloc_give(&heap->pages, FIRST_PAGE + i * part + rand_below(&heap->rand, part - length + 1), length);
    }
}

/* Every run crosses a border of chunks, and many a border of the entries above: no entry's own longest run tells of it,
 * the search has to put it together from two neighbours. */
static void make_teasing_holes(struct heap *heap) {
    for (uint64_t at = CHUNK_PAGES; at < heap->count; at += CHUNK_PAGES) {
        uint64_t before = 1 + rand_below(&heap->rand, CHUNK_PAGES / 2 - 1);
        uint64_t after = 1 + rand_below(&heap->rand, CHUNK_PAGES / 2 - 1);
        page_alloc_give(&heap->pages, FIRST_PAGE + at - before, before + after);
    }
}

static void measure(uint64_t bytes) {
    static const uint64_t longest[] = {1, 2, 40, 3000, UINT64_MAX};
    uint64_t most = 0, sum = 0, searches = 0;
    for (unsigned kind = 0; kind <= sizeof longest / sizeof *longest; kind++) {
        static struct heap heap;
        start(&heap, bytes);
        if (kind < sizeof longest / sizeof *longest)
            make_holes(&heap, longest[kind]);
        else
            make_teasing_holes(&heap);
        assert_true(page_alloc_validate(&heap.pages));
        look_for_all(&heap);
        most = heap.most > most ? heap.most : most;
        sum += heap.sum;
        searches += heap.searches;
    }
    print_message("%7llu MiB: at most %llu visits, %.1f on average of %llu searches\n", (unsigned long long)bytes >> 20,
                  (unsigned long long)most, (double)sum / (double)searches, (unsigned long long)searches);
}

static void test_visits(void **state) {
    (void)state;
    for (uint64_t bytes = 1 << 20; bytes <= 1ull << 40; bytes *= 16)
        measure(bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_visits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
