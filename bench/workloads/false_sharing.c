/* Two threads, each of which makes a small object, writes it many times and frees it. If the allocator puts objects of
 * both on one cache line (active), or keeps handing a thread the piece of a shared line that it freed (with a second
 * argument `passive`: the first objects come from the main thread, side by side), the line goes back and forth.
 * After Berger's cache-thrash and cache-scratch. */
#include "threads.h"
#include "workload.h"

enum { THREADS = 2, SIZE = 8, WRITES = 100 };

static size_t times;
static void *given[THREADS];
static uint64_t sums[THREADS];

static void *run(void *number) {
    unsigned self = (unsigned)(uintptr_t)number;
    free(given[self]);
    uint64_t sum = 0;
    for (size_t i = 0; i < times; i++) {
        volatile unsigned char *p = workload_must(malloc(SIZE));
        for (int k = 0; k < SIZE; k++)
            p[k] = 0;
        for (int k = 0; k < WRITES; k++)
            p[k % SIZE]++;
        sum += p[SIZE - 1];
        free((void *)(uintptr_t)p);
    }
    sums[self] = sum;
    return NULL;
}

int main(int argc, char **argv) {
    times = workload_times(argc, argv, 8000000);
    int passive = argc > 2 && strcmp(argv[2], "passive") == 0;
    for (int i = 0; passive && i < THREADS; i++)
        given[i] = object_new(SIZE, (uint64_t)i);
    return workload_end(threads_run(THREADS, run, sums));
}
