/* fork_many FORKS: children of a process whose other threads allocate all the time. Each child allocates in every size,
 * frees what the parent's other threads had allocated, and exits in order, within a time limit of its own. */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>

#include "tests/stress/block.h"

enum { THREADS = 3, SHARED = 512, SECONDS_FOR_A_CHILD = 30, AT_ONCE = 4 };

static _Atomic(struct block *) shared[SHARED];
static _Atomic int stop;

static void *churn(void *number) {
    uint64_t state = 88172645463325252u + (uintptr_t)number * 7919;
    while (!stop)
        block_free(atomic_exchange(&shared[stress_random(&state) % SHARED], block_new(&state)));
    return NULL;
}

static void live_as_child(uint64_t seed) {
    struct block *own[100];
    alarm(SECONDS_FOR_A_CHILD);
    for (int i = 0; i < 100; i++)
        own[i] = block_new(&seed);
    for (int i = 0; i < SHARED; i++) {
        struct block *block = atomic_exchange(&shared[i], NULL);
        if (block && i % 5 == 0)
            block = block_resize(block, &seed);
        block_free(block);
    }
    for (size_t size = 1; size < 2 << 20; size = size * 3 / 2 + 1)
        free(malloc(size));
    for (int i = 0; i < 100; i++)
        block_free(own[i]);
    if (expect_failures)
        _exit(1);
    exit(0);
}

static void await_child(long *bad) {
    int status = -1;
    wait(&status);
    if (status != 0 && (*bad)++ < 5)
        fprintf(stderr, "a child ended with status %x\n", status);
}

int main(int argc, char **argv) {
    long forks = argc > 1 ? atol(argv[1]) : 1000, bad = 0;
    pthread_t threads[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++)
        EXPECT(pthread_create(&threads[i], NULL, churn, (void *)i) == 0);
    for (long i = 0; i < forks; i++) {
        pid_t child = fork();
        if (child == 0)
            live_as_child((uint64_t)i * 2 + 1);
        EXPECT(child > 0);
        if (i >= AT_ONCE)
            await_child(&bad);
    }
    for (long i = forks < AT_ONCE ? forks : AT_ONCE; i > 0; i--)
        await_child(&bad);
    stop = 1;
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < SHARED; i++)
        block_free(shared[i]);
    EXPECT(bad == 0);
    return expect_report();
}
