/* Exercise 6: how often does a thread run dry? 100,000 objects of 64 bytes.
 *
 * Malloc hands out slots of the thread's current span and asks for another span, the slow path, when that is
 * used up. In Go a span of 64-byte slots is 8 KiB, 128 slots, so 100,000 / 128 = 782 refills. Here a thread's
 * first span of a class is as small but each next one has twice the pages, up to 4 (alloc/cache.c): a thread
 * that makes ten objects pays for one page, and one that makes a hundred thousand seldom comes back. So I
 * predict by counting along:
 *
 *   span      1   2    3    4    5    6 ...
 *   pages     1   2    4    4    4    4 ...        slots: 128 a page
 *   objects 128 384  896 1408 1920 2432 ... until 100,000: 197 spans, a quarter of Go's
 *
 * Every span has a structure, and mspan_inuse counts their bytes; a large object has exactly one span, which
 * tells how many bytes that is. The refills counted so must be the predicted ones within 1 %. Sampling is
 * off: a span with a sampled object keeps a bitmap in the same account. */
#include "examples/tasks/task.h"

enum { OBJECTS = 100000, SIZE = 64, PAGE = 8192, PAGES_MOST = 4, LARGE = 1 << 20 };

static uint64_t predict_spans(void) {
    uint64_t spans = 0, slots = 0;
    for (uint64_t pages = 1; slots < OBJECTS; pages = pages < PAGES_MOST ? pages * 2 : pages) {
        slots += pages * PAGE / SIZE;
        spans++;
    }
    return spans;
}

static uint64_t span_structure_bytes(void) {
    uint64_t before = task_memstats().mspan_inuse;
    void *large = task_alloc(LARGE);
    uint64_t bytes = task_memstats().mspan_inuse - before;
    free(large);
    return bytes;
}

int main(void) {
    task_settle();
    heaptap_set_mem_profile_rate(0);
    uint64_t structure = span_structure_bytes(), predicted = predict_spans();
    task_expect(structure > 0, "a large object has no span");
    void **last = NULL;
    uint64_t before = task_memstats().mspan_inuse;
    for (int i = 0; i < OBJECTS; i++) {
        void **object = task_alloc(SIZE);
        *object = last;
        last = object;
    }
    uint64_t refills = (task_memstats().mspan_inuse - before) / structure;
    while (last) {
        void **next = *last;
        free(last);
        last = next;
    }
    printf("%d objects of %d bytes: %" PRIu64 " refills, %" PRIu64 " predicted; with spans of 8 KiB %d\n", OBJECTS,
           SIZE, refills, predicted, (OBJECTS + PAGE / SIZE - 1) / (PAGE / SIZE));
    task_expect(task_near((double)refills, (double)predicted, 0.01),
                "%" PRIu64 " refills where %" PRIu64 " were predicted", refills, predicted);
    return 0;
}
