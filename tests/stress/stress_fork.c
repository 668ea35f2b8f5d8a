/* Several threads fork at once while others allocate. Each child frees what it inherited, allocates, and
 * ends; a child that finds a lock held or a list half written hangs or dies, and its alarm or its status says
 * so. */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>

#include "tests/stress/block.h"

enum { FORKERS = 3, ALLOCATORS = 3, INHERITED = 64, SHARED = 256, SECONDS_FOR_A_CHILD = 30 };

static _Atomic(struct block *) shared[SHARED];
static _Atomic int stop;
static _Atomic long forks;

static void *allocate(void *number) {
    uint64_t state = 1181783497276652981u + (uint64_t)(intptr_t)number;
    while (!stop) {
        uint64_t x = stress_random(&state);
        block_free(atomic_exchange(&shared[x % SHARED], block_new(&state)));
    }
    return NULL;
}

static void live_as_child(struct block **inherited, uint64_t *state) {
    alarm(SECONDS_FOR_A_CHILD);
    for (int i = 0; i < INHERITED; i++)
        block_free(i % 3 ? inherited[i] : block_resize(inherited[i], state));
    /* What the other threads were at work on: a block is in a box when it is whole. */
    for (int i = 0; i < SHARED; i++)
        block_free(atomic_exchange(&shared[i], NULL));
    for (int i = 0; i < 2000; i++)
        block_free(block_new(state));
    _exit(expect_failures != 0);
}

static void *fork_often(void *number) {
    uint64_t state = 2685821657736338717u + (uint64_t)(intptr_t)number;
    struct block *inherited[INHERITED];
    while (!stop) {
        for (int i = 0; i < INHERITED; i++)
            inherited[i] = block_new(&state);
        int status = -1;
        pid_t child = fork();
        EXPECT(child >= 0);
        if (child == 0)
            live_as_child(inherited, &state);
        waitpid(child, &status, 0);
        if (status) {
            fprintf(stderr, "child %ld ended with status 0x%x\n", (long)forks, (unsigned)status);
            EXPECT(!"the child lives");
        }
        forks++;
        for (int i = 0; i < INHERITED; i++)
            block_free(inherited[i]);
    }
    return NULL;
}

int main(int argc, char **argv) {
    pthread_t threads[FORKERS + ALLOCATORS];
    double end = stress_deadline(argc, argv);
    for (intptr_t i = 0; i < FORKERS + ALLOCATORS; i++)
        EXPECT(pthread_create(&threads[i], NULL, i < FORKERS ? fork_often : allocate, (void *)(i + 1)) == 0);
    while (stress_now() < end)
        nanosleep(&(struct timespec){0, 5000000}, NULL);
    stop = 1;
    for (int i = 0; i < FORKERS + ALLOCATORS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < SHARED; i++)
        block_free(shared[i]);
    EXPECT(forks > 5);
    return expect_report();
}
