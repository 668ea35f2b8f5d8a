/* What the probes share that time walks of one stack: the clock, the median, and a stack of a given depth. A probe is
 * one program of one file; it includes this and defines measure(). */
#ifndef HEAPTAP_BENCH_DEEP_STACK_H
#define HEAPTAP_BENCH_DEEP_STACK_H

#include <stdlib.h>
#include <time.h>

/* Processor time of this thread, nanoseconds. */
static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static int compare(const void *left, const void *right) {
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* Of `count` values, which it sorts. */
static double median(double *values, size_t count) {
    qsort(values, count, sizeof *values, compare);
    return values[count / 2];
}

/* What is done at the bottom; the probe's. */
static void measure(void);

/* Two kinds of frames in turn, with frames of different sizes. */
__attribute__((noinline)) static void descend(int depth);

__attribute__((noinline)) static void descend_wide(int depth) {
    volatile char room[200];
    room[0] = (char)depth;
    descend(depth);
    room[1] = room[0];
}

__attribute__((noinline)) static void descend(int depth) {
    if (depth == 0)
        measure();
    else if (depth % 2)
        descend_wide(depth - 1);
    else
        descend(depth - 1);
    __asm__ volatile("" ::: "memory");
}

#endif
