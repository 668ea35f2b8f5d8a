/* Exercise 15: what do 8 bytes cost, and 16, and more?
 *
 * There is no header, so an object costs its slot: I predict 8 bytes for 8, 16 for 16, and for any other size its
 * class, the smallest in by_size[] that holds it. 24 is where C and Go part: Go has a class of 24 bytes, but malloc
 * promises 16-byte alignment from 16 bytes on, so here 24 becomes 32. Alignment is the other half of the prediction: 8
 * for 8 bytes, 16 for all else.
 *
 * Malloc and free take the same path for all of them, so the nanoseconds should be the same until a thousand objects,
 * live at once, are more than the nearest cache holds; from there on the time is that of fetching free slots. Times are
 * printed, not checked: a clock on a busy machine is a poor judge. */
#include "examples/tasks/task.h"

enum { BATCH = 1000, ROUNDS = 1000 };

struct cost {
    double bytes, ns;
};

static uint64_t slot_of(size_t size) {
    struct heaptap_memstats stats = task_memstats();
    uint32_t c = 1;
    while (c + 1 < stats.size_class_count && stats.by_size[c].size < size)
        c++;
    return stats.by_size[c].size;
}

static struct cost measure(size_t size) {
    static void *objects[BATCH];
    struct heaptap_counters before = task_counters();
    uintptr_t addresses = 0;
    int64_t began = task_now_ns();
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < BATCH; i++) {
            objects[i] = malloc(size);
            addresses |= (uintptr_t)objects[i];
        }
        for (int i = 0; i < BATCH; i++)
            free(objects[i]);
    }
    int64_t took = task_now_ns() - began;
    struct heaptap_counters after = task_counters();
    uintptr_t alignment = size < 16 ? 8 : 16;
    task_expect(addresses % alignment == 0, "an object of %zu bytes is not aligned to %zu", size, (size_t)alignment);
    task_expect(after.mallocs - before.mallocs == (uint64_t)BATCH * ROUNDS, "%" PRIu64 " allocations were counted",
                after.mallocs - before.mallocs);
    return (struct cost){(double)(after.alloc_bytes - before.alloc_bytes) / BATCH / ROUNDS,
                         (double)took / BATCH / ROUNDS};
}

int main(void) {
    task_settle();
    static const size_t sizes[] = {8, 16, 24, 32, 48, 64, 100, 256, 1000, 4096};
    enum { SIZES = sizeof sizes / sizeof sizes[0] };
    struct cost costs[SIZES];
    for (int i = 0; i < SIZES; i++)
        costs[i] = measure(sizes[i]);
    printf("size  bytes/object  ns/malloc+free\n");
    for (int i = 0; i < SIZES; i++) {
        printf("%4zu  %12.1f  %14.1f\n", sizes[i], costs[i].bytes, costs[i].ns);
        task_expect(costs[i].bytes == (double)slot_of(sizes[i]), "%zu bytes cost %.3f, the slot is %" PRIu64, sizes[i],
                    costs[i].bytes, slot_of(sizes[i]));
    }
    task_expect(costs[0].bytes == 8 && costs[1].bytes == 16, "8 and 16 bytes cost %.1f and %.1f", costs[0].bytes,
                costs[1].bytes);
    task_expect(costs[2].bytes == 32, "24 bytes cost %.1f, not 32", costs[2].bytes);
    return 0;
}
