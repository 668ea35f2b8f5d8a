/* A thousand signals a second for every thread, whatever it is doing.
 *
 * Threads inside malloc get a handler that does not allocate, as a profiler's would be: it disturbs errno, uses stack,
 * and sometimes sleeps, so that a thread stands still for a while with a lock in its hand. Another thread never
 * allocates by itself, and gets the same storm with a handler that does: it waits for whoever holds the lock, and
 * breaks nothing. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "tests/stress/block.h"

enum { ALLOCATORS = 4, PERIOD_US = 1000, HELD = 32 };
#define SECONDS 2.0

static _Atomic int stop;
static _Atomic long disturbed, allocated;

static void disturb(int number) {
    volatile char stack[2000];
    int saved_errno = errno;
    (void)number;
    for (unsigned i = 0; i < sizeof stack; i += 16)
        stack[i] = (char)i;
    errno = 77;
    if (disturbed++ % 50 == 0)
        nanosleep(&(struct timespec){0, 200000}, NULL);
    errno = saved_errno;
}

static void allocate(int number) {
    static void *held[HELD]; /* of the one thread that gets this signal */
    static uint64_t state = 88172645463325252u;
    (void)number;
    for (int i = 0; i < 20; i++) {
        uint64_t x = stress_random(&state);
        size_t size = x % 20 ? (x >> 20) % 3000 : (x >> 20) % 200000;
        free(held[x % HELD]);
        held[x % HELD] = malloc(size + 1);
        memset(held[x % HELD], 1, size + 1);
    }
    allocated++;
}

static void *allocate_blocks(void *number) {
    uint64_t state = 1442695040888963407u + (uintptr_t)number;
    struct block *blocks[200] = {NULL};
    while (!stop) {
        uint64_t x = stress_random(&state);
        errno = 5;
        block_free(blocks[x % 200]);
        EXPECT(errno == 5);
        blocks[x % 200] = block_new(&state);
        if (x % 8 == 0)
            blocks[x % 200] = block_resize(blocks[x % 200], &state);
    }
    for (int i = 0; i < 200; i++)
        block_free(blocks[i]);
    return NULL;
}

static void *compute(void *unused) {
    volatile uint64_t state = 1;
    while (!stop)
        state = state * 6364136223846793005u + 1;
    return unused;
}

static void storm(pthread_t *allocators, pthread_t computing) {
    double end = stress_now() + SECONDS;
    while (stress_now() < end) {
        for (int i = 0; i < ALLOCATORS; i++)
            pthread_kill(allocators[i], SIGPROF);
        pthread_kill(computing, SIGUSR1);
        nanosleep(&(struct timespec){0, PERIOD_US * 1000}, NULL);
    }
}

int main(void) {
    struct sigaction profile = {.sa_handler = disturb, .sa_flags = SA_RESTART};
    struct sigaction user = {.sa_handler = allocate, .sa_flags = SA_RESTART};
    pthread_t allocators[ALLOCATORS], computing;
    alarm(60);
    EXPECT(sigaction(SIGPROF, &profile, NULL) == 0 && sigaction(SIGUSR1, &user, NULL) == 0);
    for (uintptr_t i = 0; i < ALLOCATORS; i++)
        EXPECT(pthread_create(&allocators[i], NULL, allocate_blocks, (void *)i) == 0);
    EXPECT(pthread_create(&computing, NULL, compute, NULL) == 0);
    storm(allocators, computing);
    stop = 1;
    for (int i = 0; i < ALLOCATORS; i++)
        pthread_join(allocators[i], NULL);
    pthread_join(computing, NULL);
    EXPECT(disturbed > 300 && allocated > 100);
    return expect_report();
}
