/* What triggers.sh runs: a heap that grows or swings as the arguments say. Every line on standard output comes after
 * what it tells of.
 *
 *   grow MIB MICROSECONDS   takes MIB blocks of 1 MiB, with a pause after each; prints "grown" and waits for the end of
 *                           standard input
 *   swing MIB TIMES PAUSE   takes and gives back MIB blocks, TIMES times, with PAUSE milliseconds after each; then the
 *                           same */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST = 4096, BLOCK = 1 << 20 };

static char *blocks[MOST];

static void take(int count, int microseconds) {
    for (int i = 0; i < count; i++) {
        blocks[i] = malloc(BLOCK);
        if (!blocks[i])
            exit(3);
        memset(blocks[i], 1, BLOCK);
        if (microseconds)
            usleep((useconds_t)microseconds);
    }
}

static void give(int count) {
    for (int i = 0; i < count; i++)
        free(blocks[i]);
}

int main(int argc, char **argv) {
    if (argc < 4 || atoi(argv[2]) > MOST)
        return 2;
    int count = atoi(argv[2]), number = atoi(argv[3]), pause = argc > 4 ? atoi(argv[4]) * 1000 : 0;
    if (strcmp(argv[1], "grow") == 0) {
        take(count, number);
    } else {
        for (int i = 0; i < number; i++) {
            take(count, 0);
            usleep((useconds_t)pause);
            give(count);
            usleep((useconds_t)pause);
        }
    }
    puts("grown");
    fflush(stdout);
    while (getchar() != EOF)
        ;
    return 0;
}
