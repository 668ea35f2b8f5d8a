/* Grows as its arguments say, so that a trend has something to find:
 *   trend_subject SECONDS LEAK_BYTES_A_SECOND
 * leak()    allocates blocks that nobody frees, as many bytes a second as asked for
 * cache()   keeps 8 MiB, and replaces the oldest block by a new one all the time
 * table()   fills up to 4 MiB in the first fifth of the time and stays
 * churn()   blocks that live for a moment */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BLOCK = 1024, CACHE_BLOCKS = 8 << 10, TABLE_BLOCKS = 4 << 10, TICK = 10 };

static void *slots[CACHE_BLOCKS], *filled[TABLE_BLOCKS], *volatile seen;

__attribute__((noinline)) void leak(void) {
    char *block = malloc(BLOCK);
    block[0] = 1;
    seen = block;
    __asm__ volatile("");
}

__attribute__((noinline)) void cache(size_t slot) {
    free(slots[slot]);
    slots[slot] = malloc(BLOCK);
    __asm__ volatile("");
}

__attribute__((noinline)) void table(size_t slot) {
    filled[slot] = malloc(BLOCK);
    __asm__ volatile("");
}

__attribute__((noinline)) void churn(void) {
    void *block = malloc(BLOCK);
    seen = block;
    free(block);
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
    if (argc != 3)
        return 2;
    double seconds = atof(argv[1]), rate = atof(argv[2]), began = now(), passed;
    size_t leaked = 0, tabled = 0, slot = 0;
    for (size_t i = 0; i < CACHE_BLOCKS; i++)
        cache(i);
    while ((passed = now() - began) < seconds) {
        for (; (double)leaked * BLOCK < passed * rate; leaked++)
            leak();
        for (; tabled < TABLE_BLOCKS && (double)tabled < TABLE_BLOCKS * passed / (seconds / 5); tabled++)
            table(tabled);
        for (int i = 0; i < 200; i++) {
            cache(slot++ % CACHE_BLOCKS);
            churn();
        }
        nanosleep(&(struct timespec){.tv_nsec = TICK * 1000000L}, NULL);
    }
    printf("%zu\n", leaked * (size_t)BLOCK);
    return 0;
}
