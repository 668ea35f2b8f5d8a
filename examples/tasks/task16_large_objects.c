/* Exercise 16: large objects. 8 KiB, 64 KiB and 128 KiB, by one thread and by two.
 *
 * Up to 32 KiB an object is a slot of a class, from the thread's own span; above, each object is a span of its own from
 * the page heap, which all threads share behind one lock. All three sizes are whole pages of 8 KiB, so I predict that
 * nothing is lost by rounding: 8192, 65536 and 131072 bytes an operation, exactly, with one thread and with two.
 *
 * The times are printed and not checked; look at four things. 8 KiB costs as little as 8 bytes do, and the larger two
 * many times that: a visit to the page heap against none. Writing a block costs more than getting it. Two threads get
 * in each other's way where they meet, which is the page heap's lock: a factor of 1 for 8 KiB and more for the others
 * (on a machine with two idle cores; on a busy one it says more about the neighbours). And sampling costs by the byte:
 * one sample in 512 KiB is every 64th block of 8 KiB and every fourth of 128 KiB. That is why the other columns are
 * measured with sampling off. */
#include <pthread.h>

#include "examples/tasks/task.h"

enum { OPERATIONS = 100000, THREADS = 2, WINDOW = 8 };

struct work {
    size_t size;
    bool written;
    size_t rate;
    double bytes; /* an operation */
    double ns;
};

/* A window of some live blocks; each operation frees the oldest and allocates a new one. */
static void *run(void *argument) {
    struct work *work = argument;
    void *window[WINDOW] = {NULL};
    task_take_first_sample();
    heaptap_set_mem_profile_rate(work->rate);
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

static struct work one_thread(size_t size, bool written, size_t rate) {
    struct work work = {.size = size, .written = written, .rate = rate};
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
    task_settle();
    static const size_t sizes[] = {8 * KIB, 64 * KIB, 128 * KIB};
    printf("   size      B/op  ns/op  ns/KiB  written  two threads  factor  sampled\n");
    for (int i = 0; i < 3; i++) {
        size_t size = sizes[i];
        one_thread(size, false, 0); /* the first time round the pages are new to the process */
        struct work alone = one_thread(size, false, 0), written = one_thread(size, true, 0);
        struct work both = both_threads(size), sampled = one_thread(size, false, 512 * KIB);
        printf("%3zu KiB %9.1f %6.1f %7.3f %8.1f %12.1f %7.2f %8.1f\n", size / KIB, alone.bytes, alone.ns,
               alone.ns * KIB / (double)size, written.ns, both.ns, both.ns / alone.ns, sampled.ns);
        const struct work *all[] = {&alone, &written, &both, &sampled};
        for (int w = 0; w < 4; w++)
            task_expect(all[w]->bytes == (double)size, "a block of %zu bytes cost %.1f", size, all[w]->bytes);
    }
    return 0;
}
