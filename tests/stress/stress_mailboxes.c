/* Threads that hand their blocks to each other: by mailboxes, where each thread writes to any, and in a ring,
 * where each block wanders on and is resized at every stop. First with few threads, then with 64, on whatever
 * cores there are. Nearly every free and half of the resizes are of another thread's block. */
#include <pthread.h>
#include <stdatomic.h>

#include "tests/stress/block.h"

enum { MOST_THREADS = 64, BOXES = 32 };

static _Atomic(struct block *) boxes[MOST_THREADS][BOXES];
static _Atomic int stop;
static int thread_count; /* written while no thread runs */

/* Puts a block of one's own somewhere and frees what was there. */
static void send_to_any(uint64_t *state) {
    uint64_t x = stress_random(state);
    block_free(atomic_exchange(&boxes[x % (unsigned)thread_count][(x >> 32) % BOXES], block_new(state)));
}

/* Takes a block that was sent here, resizes it, and passes it to the next. */
static void pass_on(int self, uint64_t *state) {
    uint64_t x = stress_random(state);
    struct block *block = atomic_exchange(&boxes[self][x % BOXES], NULL);
    if (block)
        block_free(atomic_exchange(&boxes[(self + 1) % thread_count][(x >> 32) % BOXES], block_resize(block, state)));
}

static void *run(void *number) {
    int self = (int)(intptr_t)number;
    uint64_t state = 88172645463325252u + (uint64_t)self * 7919;
    while (!stop)
        for (int i = 0; i < 100; i++) {
            send_to_any(&state);
            pass_on(self, &state);
        }
    return NULL;
}

static void run_threads(int count, double until) {
    pthread_t threads[MOST_THREADS];
    struct timespec moment = {0, 5000000};
    thread_count = count;
    stop = 0;
    for (int i = 0; i < count; i++)
        EXPECT(pthread_create(&threads[i], NULL, run, (void *)(intptr_t)i) == 0);
    while (stress_now() < until)
        nanosleep(&moment, NULL);
    stop = 1;
    for (int i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < MOST_THREADS; i++)
        for (int k = 0; k < BOXES; k++)
            block_free(atomic_exchange(&boxes[i][k], NULL));
}

int main(int argc, char **argv) {
    double end = stress_deadline(argc, argv), start = stress_now();
    run_threads(3, start + (end - start) * 0.4);
    run_threads(2, start + (end - start) * 0.6);
    run_threads(MOST_THREADS, end);
    return expect_report();
}
