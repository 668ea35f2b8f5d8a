/* Exercise 16: large objects. 8 KiB, 64 KiB and 128 KiB, by one thread and by two.
 *
 * Up to 32 KiB an object is a slot of a class, from the thread's own span; above, each object is a span of
 * its own from the page heap, which all threads share behind one lock. All three sizes are whole pages of 8
 * KiB, so I predict that nothing is lost by rounding: 8192, 65536 and 131072 bytes for each operation,
 * exactly, with one thread and with two.
 *
 * Three things to look at in the times, which are printed and not checked. An operation on a large object
 * costs more than one on a small; by the byte it costs less. Writing the block costs far more than getting
 * it. And with two threads only the sizes that visit the page heap can get in each other's way: a factor
 * above 1, on a machine with at least two idle cores. */
#include <pthread.h>

#include "examples/tasks/task.h"

enum { OPERATIONS = 100000, THREADS = 2, WINDOW = 8 };

struct work {
    size_t size;
    bool written;
    double bytes; /* an operation */
    double ns;
};

/* A window of some live blocks; each operation frees the oldest and allocates a new one. */
static void *run(void *argument) {
    struct work *work = argument;
    void *window[WINDOW] = {NULL};
    task_take_first_sample();
    struct heaptap_counters before = task_counters();
    int64_t began = task_now_ns();
    for (int i = 0; i < OPERATIONS; i++) {
        free(window[i % WINDOW]);
        void *block = window[i % WINDOW] = task_alloc(work->size);
        if (work->written)
            memset(block, i, work->size);
        else
            *(volatile char *)block = (char)i;
    }
    work->ns = (double)(task_now_ns() - began) / OPERATIONS;
    work->bytes = (double)(task_counters().alloc_bytes - before.alloc_bytes) / OPERATIONS;
    for (int i = 0; i < WINDOW; i++)
        free(window[i]);
    return NULL;
}

static struct work one_thread(size_t size, bool written) {
    struct work work = {.size = size, .written = written};
    run(&work);
    return work;
}

/* The mean of the threads. */
static struct work both_threads(size_t size) {
    struct work works[THREADS], mean = {.size = size};
    pthread_t threads[THREADS];
    for (int t = 0; t < THREADS; t++) {
        works[t] = mean;
        int error = pthread_create(&threads[t], NULL, run, &works[t]);
        task_expect(error == 0, "cannot start a thread: %s", strerror(error));
    }
    for (int t = 0; t < THREADS; t++)
        pthread_join(threads[t], NULL);
    for (int t = 0; t < THREADS; t++) {
        mean.ns += works[t].ns / THREADS;
        mean.bytes += works[t].bytes / THREADS;
    }
    return mean;
}

int main(void) {
    static const size_t sizes[] = {8 * KIB, 64 * KIB, 128 * KIB};
    printf("   size     bytes/op   ns/op    ns/KiB   written ns/op   two threads ns/op  factor\n");
    for (int i = 0; i < 3; i++) {
        one_thread(sizes[i], false); /* the first time round the pages are new to the process */
        struct work alone = one_thread(sizes[i], false), written = one_thread(sizes[i], true);
        struct work both = both_threads(sizes[i]);
        printf("%3zu KiB %12.1f %7.1f %9.3f %15.1f %19.1f %7.2f\n", sizes[i] / KIB, alone.bytes, alone.ns,
               alone.ns * KIB / (double)sizes[i], written.ns, both.ns, both.ns / alone.ns);
        task_expect(alone.bytes == (double)sizes[i] && written.bytes == (double)sizes[i],
                    "a block of %zu bytes cost %.1f", sizes[i], alone.bytes);
        task_expect(both.bytes == (double)sizes[i], "with two threads a block of %zu bytes cost %.1f",
                    sizes[i], both.bytes);
    }
    return 0;
}
