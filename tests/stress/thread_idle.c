/* What an idle thread costs. 200 threads allocate one object of each of ten classes, and wait; what the process's
 * resident memory grew by, for each thread, is printed. It may be the pages that the objects lie in and 16 KiB.
 *
 * Each object lies in a span of its own, so the pages that the objects touch are those of ten spans' first slots. */
#include <pthread.h>
#include <sys/prctl.h>

#include "tests/support/expect.h"

enum { THREADS = 200, CLASSES = 10, MOST_BEYOND_OBJECTS = 16 << 10 };

static const size_t sizes[CLASSES] = {16, 32, 48, 64, 96, 128, 256, 512, 1024, 2048};
static pthread_barrier_t step;

static void *park(void *unused) {
    void *objects[CLASSES];
    pthread_barrier_wait(&step); /* all threads are there */
    pthread_barrier_wait(&step);
    for (int i = 0; i < CLASSES; i++) {
        objects[i] = malloc(sizes[i]);
        memset(objects[i], 1, sizes[i]);
    }
    pthread_barrier_wait(&step); /* all have allocated */
    pthread_barrier_wait(&step);
    for (int i = 0; i < CLASSES; i++)
        free(objects[i]);
    return unused;
}

/* Anonymous memory, from the page tables: pages of files are no thread's, and what /proc/self/statm says may lag. */
static long resident_bytes(void) {
    char line[200];
    long kib = -1;
    FILE *file = fopen("/proc/self/smaps_rollup", "r");
    EXPECT(file != NULL);
    while (kib < 0 && fgets(line, sizeof line, file))
        sscanf(line, "Anonymous: %ld kB", &kib);
    EXPECT(kib > 0);
    fclose(file);
    return kib << 10;
}

/* The first samples of a process cost it tables that are no thread's. 256 MiB have some in every run. */
static void *be_sampled(void *unused) {
    for (int i = 0; i < 16384; i++)
        free(expect_opaque(malloc(16384)));
    return unused;
}

int main(void) {
    pthread_t threads[THREADS];
    pthread_attr_t small_stack;
    long page = sysconf(_SC_PAGESIZE), objects = 0;
    prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0); /* a huge page would count what nobody touched */
    EXPECT(pthread_create(&threads[0], NULL, be_sampled, NULL) == 0);
    pthread_join(threads[0], NULL);
    pthread_barrier_init(&step, NULL, THREADS + 1);
    pthread_attr_init(&small_stack);
    pthread_attr_setstacksize(&small_stack, 128 << 10);
    for (int i = 0; i < THREADS; i++)
        EXPECT(pthread_create(&threads[i], &small_stack, park, NULL) == 0);
    pthread_barrier_wait(&step);
    long before = resident_bytes();
    pthread_barrier_wait(&step);
    pthread_barrier_wait(&step);
    long after = resident_bytes();
    for (int i = 0; i < CLASSES; i++)
        objects += ((long)sizes[i] + page - 1) / page * page;
    long each = (after - before) / THREADS;
    printf("%ld bytes a thread, of which %ld are pages of its %d objects\n", each, objects, CLASSES);
    fflush(stdout);
    EXPECT(each <= objects + MOST_BEYOND_OBJECTS);
    pthread_barrier_wait(&step);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    return expect_report();
}
