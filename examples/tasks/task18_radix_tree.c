/* Exercise 18: find a run of free pages in a terabyte without looking at a terabyte.
 *
 * The page heap keeps a bit for each 8 KiB page. A tree of summaries stands on it: an entry says, of 4 MiB,
 * how many pages are free at the start, in the longest run and at the end; eight entries make one of the next
 * level, 32 MiB, 256 MiB, 2 GiB, 16 GiB. To find eight pages one goes down where an entry promises a run of
 * eight, and looks at eight entries a level at most.
 *
 * The heaps here are as unkind as can be: 1 MiB to 1 TiB, all allocated but for one free page in each 4 MiB,
 * which is never enough, and eight free pages at the far end. For a heap of n chunks of 4 MiB I predict, for
 * the one find that gets them,
 *
 *   visits <= 8 for each level that the heap fills + one for each 16 GiB + the bitmap at the bottom
 *
 * where a level with fewer than eight entries counts what it has. That is about 8 log8(n): a heap of eight
 * times the size costs 7 more, while a scan of the bitmaps would look at eight times as many words. When
 * nothing fits, the top level alone says so: 256 entries whatever the heap, and no more.
 *
 * No memory of these heaps is touched; only the tree and the bitmaps are built, under 80 MiB for the terabyte. */
#include "alloc/page_alloc.h"
#include "examples/tasks/task.h"

enum { RUN = 8, TOP_ENTRIES = 256, LEVELS_BELOW_TOP = PAGE_ALLOC_LEVELS - 1, FAN = 8, PAGE_KIB = 8 };

/* One free page in the middle of each chunk, and a run of free ones at the end. */
static uint64_t heap_build(struct page_alloc *heap, uint64_t pages) {
    uint64_t chunks = (pages + CHUNK_PAGES - 1) / CHUNK_PAGES, scavenged;
    task_expect(page_alloc_init(heap) && page_alloc_grow(heap, 0, chunks * CHUNK_PAGES), "cannot build the tree");
    uint64_t first = page_alloc_take(heap, chunks * CHUNK_PAGES, &scavenged);
    task_expect(first == 0, "the heap does not begin at page 0");
    for (uint64_t chunk = 0; chunk < chunks; chunk++)
        page_alloc_give(heap, chunk * CHUNK_PAGES + 5, 1);
    page_alloc_give(heap, pages - RUN, RUN);
    return chunks;
}

static uint64_t predict_visits(uint64_t chunks) {
    uint64_t visits = 1, entries = chunks; /* the bitmap */
    for (int level = 0; level < LEVELS_BELOW_TOP; level++) {
        visits += entries < FAN ? entries : FAN;
        entries = (entries + FAN - 1) / FAN;
    }
    return visits + entries;
}

static uint64_t visits_of_find(struct page_alloc *heap, uint64_t count, uint64_t expected) {
    uint64_t before = heap->visits, scavenged;
    uint64_t first = page_alloc_take(heap, count, &scavenged);
    task_expect(first == expected, "a run of %" PRIu64 " pages was found at %" PRIu64 ", not at %" PRIu64, count, first,
                expected);
    return heap->visits - before;
}

int main(void) {
    printf("%12s %12s %8s %10s %12s %10s\n", "heap MiB", "pages", "visits", "predicted", "words a scan", "no fit");
    for (uint64_t mib = 1; mib <= 1 << 20; mib *= mib == 1 ? 4 : 8) {
        uint64_t pages = mib * 1024 / PAGE_KIB;
        struct page_alloc heap;
        uint64_t chunks = heap_build(&heap, pages);
        uint64_t none = visits_of_find(&heap, RUN + 1, PAGE_ALLOC_NONE);
        uint64_t found = visits_of_find(&heap, RUN, pages - RUN);
        uint64_t predicted = predict_visits(chunks);
        printf("%12" PRIu64 " %12" PRIu64 " %8" PRIu64 " %10" PRIu64 " %12" PRIu64 " %10" PRIu64 "\n", mib, pages,
               found, predicted, (pages + 63) / 64, none);
        task_expect(found <= predicted, "%" PRIu64 " visits in %" PRIu64 " MiB, predicted %" PRIu64, found, mib,
                    predicted);
        task_expect(none <= TOP_ENTRIES, "%" PRIu64 " visits in %" PRIu64 " MiB to find nothing", none, mib);
    }
    return 0;
}
