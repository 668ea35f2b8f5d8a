/* Four threads, each of which sends objects to all of the others and frees what it is sent: remote frees in every
 * direction, on more threads than there may be cores. They go in rounds and sleep until a round is over: threads that
 * spin measure the scheduler. */
#include <pthread.h>

#include "threads.h"
#include "workload.h"

enum { THREADS = 4, EACH = 1024 };

struct item {
    void *memory;
    size_t size;
};

static struct item sent[THREADS][THREADS][EACH]; /* [from][to] */
static struct power_law sizes;
static size_t rounds;
static pthread_barrier_t barrier;
static uint64_t sums[THREADS];

static void send_to(unsigned self, unsigned to, struct random *random) {
    for (size_t i = 0; i < EACH; i++) {
        size_t size = power_law_draw(&sizes, random);
        sent[self][to][i] = (struct item){object_new(size, i), size};
    }
}

static uint64_t take_from(unsigned from, unsigned self) {
    uint64_t sum = 0;
    for (size_t i = 0; i < EACH; i++)
        sum += object_end(sent[from][self][i].memory, sent[from][self][i].size);
    return sum;
}

static void *run(void *number) {
    unsigned self = (unsigned)(uintptr_t)number;
    struct random random = random_seeded(40 + self);
    for (size_t round = 0; round < rounds; round++) {
        for (unsigned other = 1; other < THREADS; other++)
            send_to(self, (self + other) % THREADS, &random);
        pthread_barrier_wait(&barrier);
        for (unsigned other = 1; other < THREADS; other++)
            sums[self] += take_from((self + other) % THREADS, self);
        pthread_barrier_wait(&barrier);
    }
    return NULL;
}

int main(int argc, char **argv) {
    rounds = workload_times(argc, argv, 1000);
    power_law_init(&sizes, 16, 2048, 1);
    pthread_barrier_init(&barrier, NULL, THREADS);
    return workload_end(threads_run(THREADS, run, sums));
}
