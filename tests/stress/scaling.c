/* Throughput by number of threads. Each thread allocates and frees objects of mixed sizes in a table of its own, and
 * now and then changes one against an object of all threads' table, so a part of the frees is of other threads'
 * objects. The numbers of threads take turns, and the medians count, so that a machine that does something else
 * meanwhile disturbs all alike.
 *
 *   scaling LEAST     fails when the throughput of 64 threads is below LEAST of that of 2 */
#include <pthread.h>
#include <stdatomic.h>

#include "tests/stress/block.h"

enum { ROUNDS = 5, MOST_THREADS = 64, OPERATIONS = 8 << 20, OWN = 256, SHARED = 1024, EXCHANGE_EVERY = 16 };

static const int thread_counts[] = {2, 4, 8, 16, 32, 64};
enum { COUNTS = sizeof thread_counts / sizeof *thread_counts };

static _Atomic(void *) shared[SHARED];
static int operations_each;
static pthread_barrier_t begin;

static void *work(void *number) {
    uint64_t state = 88172645463325252u + (uintptr_t)number * 7919;
    void *own[OWN] = {NULL};
    pthread_barrier_wait(&begin);
    for (int i = 0; i < operations_each; i++) {
        uint64_t x = stress_random(&state);
        void **slot = &own[x % OWN];
        free(*slot);
        *slot = malloc((x >> 20) % (x >> 40 & 15 ? 200 : 4000) + 1);
        if (i % EXCHANGE_EVERY == 0)
            *slot = atomic_exchange(&shared[(x >> 10) % SHARED], *slot);
    }
    for (int i = 0; i < OWN; i++)
        free(own[i]);
    return NULL;
}

/* Millions of pairs of malloc and free a second. */
static double measure(int threads) {
    pthread_t ids[MOST_THREADS];
    operations_each = OPERATIONS / threads;
    pthread_barrier_init(&begin, NULL, (unsigned)threads + 1);
    for (uintptr_t i = 0; i < (uintptr_t)threads; i++)
        EXPECT(pthread_create(&ids[i], NULL, work, (void *)i) == 0);
    double start = stress_now();
    pthread_barrier_wait(&begin);
    for (int i = 0; i < threads; i++)
        pthread_join(ids[i], NULL);
    pthread_barrier_destroy(&begin);
    return OPERATIONS / (stress_now() - start) / 1e6;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv) {
    static double rates[COUNTS][ROUNDS];
    double least = argc > 1 ? atof(argv[1]) : 0;
    for (int round = 0; round < ROUNDS; round++)
        for (int i = 0; i < COUNTS; i++)
            rates[i][round] = measure(thread_counts[i]);
    for (int i = 0; i < COUNTS; i++) {
        qsort(rates[i], ROUNDS, sizeof(double), by_value);
        printf("%2d threads: %6.1f million pairs of malloc and free a second, %.2f of 2 threads\n", thread_counts[i],
               rates[i][ROUNDS / 2], rates[i][ROUNDS / 2] / rates[0][ROUNDS / 2]);
    }
    fflush(stdout);
    EXPECT(rates[COUNTS - 1][ROUNDS / 2] >= least * rates[0][ROUNDS / 2]);
    return expect_report();
}
