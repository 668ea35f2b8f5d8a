/* Threads that are born and die at a high rate, joined and detached, and leave blocks behind that later
 * threads check, resize and free: the state of a dead thread must be adopted or drained, and not grow with
 * their number. */
#include <pthread.h>
#include <stdatomic.h>

#include "tests/stress/block.h"

enum { BATCH = 8, LEFT = 4096, BLOCKS_A_THREAD = 300 };

static _Atomic(struct block *) left[LEFT];
static _Atomic uint64_t born, detached_alive;

static void *live_shortly(void *detached) {
    uint64_t state = 1442695040888963407u + atomic_fetch_add(&born, 1) * 6364136223846793005u;
    for (int i = 0; i < BLOCKS_A_THREAD; i++) {
        uint64_t x = stress_random(&state);
        struct block *block = block_new(&state);
        if (x % 4 == 0)
            block = block_resize(block, &state);
        block_free(atomic_exchange(&left[x % LEFT], block));
    }
    if (detached)
        atomic_fetch_sub(&detached_alive, 1);
    return NULL;
}

static void run_batch(void) {
    pthread_t threads[BATCH];
    for (int i = 0; i < BATCH; i++) {
        int is_detached = i % 4 == 3;
        if (is_detached)
            atomic_fetch_add(&detached_alive, 1);
        EXPECT(pthread_create(&threads[i], NULL, live_shortly, is_detached ? "" : NULL) == 0);
        if (is_detached)
            pthread_detach(threads[i]);
    }
    for (int i = 0; i < BATCH; i++)
        if (i % 4 != 3)
            pthread_join(threads[i], NULL);
}

static size_t resident_bytes(void) {
    char text[100] = "";
    size_t total = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    EXPECT(file && fgets(text, sizeof text, file) && sscanf(text, "%zu %zu", &total, &resident) == 2);
    fclose(file);
    return resident * (size_t)sysconf(_SC_PAGESIZE);
}

int main(int argc, char **argv) {
    double end = stress_deadline(argc, argv);
    for (int i = 0; i < 50; i++)
        run_batch();
    size_t early = resident_bytes();
    while (stress_now() < end)
        run_batch();
    while (detached_alive)
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    size_t late = resident_bytes();
    if (late > early * 2 + (64 << 20)) {
        fprintf(stderr, "%zu bytes resident after 400 threads, %zu after %llu\n", early, late,
                (unsigned long long)born);
        EXPECT(!"memory does not grow with the number of dead threads");
    }
    for (int i = 0; i < LEFT; i++)
        block_free(left[i]);
    return expect_report();
}
