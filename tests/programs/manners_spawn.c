/* Runs `true` COUNT times, with and without LD_PRELOAD=LIBRARY by turns in blocks of 20, and prints the
 * median of the block times of each in microseconds a run. Compiled by manners.sh: a shell's own loop costs
 * more than what is measured. */
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

enum { BLOCK = 20, BLOCKS_MOST = 1000 };

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static double run_block(char *program, char **environment) {
    double began = now();
    for (int i = 0; i < BLOCK; i++) {
        char *arguments[] = {program, NULL};
        pid_t child;
        int status;
        if (posix_spawn(&child, program, NULL, NULL, arguments, environment) != 0 || waitpid(child, &status, 0) < 0 ||
            status)
            exit(1);
    }
    return (now() - began) / BLOCK;
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv) {
    static double times[2][BLOCKS_MOST];
    char preload[4096], path[] = "PATH=/usr/bin:/bin";
    char *plain[] = {path, NULL}, *preloaded[] = {path, preload, NULL};
    if (argc != 4)
        return 2;
    int blocks = atoi(argv[3]) / BLOCK;
    if (blocks < 1 || blocks > BLOCKS_MOST)
        return 2;
    snprintf(preload, sizeof preload, "LD_PRELOAD=%s", argv[2]);
    for (int i = 0; i < blocks; i++) {
        times[0][i] = run_block(argv[1], plain);
        times[1][i] = run_block(argv[1], preloaded);
    }
    for (int i = 0; i < 2; i++)
        qsort(times[i], (size_t)blocks, sizeof times[i][0], compare);
    printf("%.0f %.0f\n", times[0][blocks / 2], times[1][blocks / 2]);
    return 0;
}
