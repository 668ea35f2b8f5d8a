/* Threads that are all alike, for the workloads that are made of such. */
#ifndef HEAPTAP_BENCH_THREADS_H
#define HEAPTAP_BENCH_THREADS_H

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

enum { THREADS_MOST = 256 };

/* Runs `run` on `count` threads, THREADS_MOST at most, each with its number from 0 on, waits for all and adds up what
 * each left in sums. Ends the program with 1 where a thread cannot be made. */
static inline uint64_t threads_run(unsigned count, void *(*run)(void *number), const uint64_t *sums) {
    pthread_t threads[THREADS_MOST];
    uint64_t sum = 0;
    for (uintptr_t i = 0; i < count; i++)
        if (pthread_create(&threads[i], NULL, run, (void *)i) != 0)
            exit(1);
    for (unsigned i = 0; i < count; i++) {
        pthread_join(threads[i], NULL);
        sum += sums[i];
    }
    return sum;
}

#endif
