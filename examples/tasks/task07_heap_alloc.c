/* Exercise 7: predict heap_alloc for 100,000 small objects of many sizes.
 *
 * Object i asks for 8 + i % 505 bytes, so every size from 8 to 512 comes about as often. Nothing is kept beside an
 * object, but each request is rounded up to a slot. The slot sizes are in by_size[] of the memstats. So I predict
 *
 *   heap_alloc delta = sum over the objects of the smallest slot that holds the request      within 1 %
 *
 * and, since most of these sizes lie where slots are an eighth apart or less, that the slots are together less than
 * 10 % more than what was asked for. What is in use in whole spans (heap_inuse) is more again, by tails and by one
 * unfinished span for each class: less than 15 % more. */
#include "examples/tasks/task.h"

enum { OBJECTS = 100000, SIZE_LEAST = 8, SIZES = 505 };

static size_t request_of(int i) { return SIZE_LEAST + (size_t)(i % SIZES); }

static uint64_t slot_of(const struct heaptap_memstats *stats, size_t request) {
    for (uint32_t c = 1; c < stats->size_class_count; c++) {
        if (stats->by_size[c].size >= request)
            return stats->by_size[c].size;
    }
    task_fail("no size class holds %zu bytes", request);
}

int main(void) {
    task_settle();
    struct heaptap_memstats before = task_memstats();
    uint64_t requested = 0, predicted = 0;
    for (int i = 0; i < OBJECTS; i++) {
        requested += request_of(i);
        predicted += slot_of(&before, request_of(i));
    }
    void **last = NULL;
    for (int i = 0; i < OBJECTS; i++) {
        void **object = task_alloc(request_of(i));
        *object = last;
        last = object;
    }
    struct heaptap_memstats full = task_memstats();
    while (last) {
        void **next = *last;
        free(last);
        last = next;
    }
    uint64_t found = full.heap_alloc - before.heap_alloc, inuse = full.heap_inuse - before.heap_inuse;
    printf("requested   %10" PRIu64 "\n", requested);
    printf("predicted   %10" PRIu64 "\n", predicted);
    printf("heap_alloc  %10" PRIu64 "  %+.2f %% of the prediction, %.1f %% above the requests\n", found,
           100 * ((double)found / (double)predicted - 1), 100 * ((double)found / (double)requested - 1));
    printf("heap_inuse  %10" PRIu64 "  %.1f %% above heap_alloc\n", inuse, 100 * ((double)inuse / (double)found - 1));
    task_expect(task_near((double)found, (double)predicted, 0.01), "heap_alloc rose by %" PRIu64 ", predicted %" PRIu64,
                found, predicted);
    task_expect(found < requested + requested / 10, "rounding up costs more than a tenth of %" PRIu64, requested);
    task_expect(inuse < found + found * 15 / 100, "spans hold %" PRIu64 " bytes for %" PRIu64 " of objects", inuse,
                found);
    return 0;
}
