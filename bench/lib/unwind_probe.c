/* What one warm capture of a stack costs, in nanoseconds: ours (profiler/unwinder_eh.h) and bare unw_backtrace, which
 * take turns over the same stacks; ours once with the buffer as the last capture left it, once with a cleared one,
 * which tells nothing about the stack. A line for each depth: the frames that each found, the medians, and both ratios.
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "profiler/loader.h"
#include "profiler/unwinder_eh.h"

enum { ROOM = 256, ROUNDS = 41, CAPTURES = 2000 };

static int (*backtrace_all)(void **buffer, int size);
static uintptr_t frames[ROOM];
static size_t count_ours, count_theirs;
static double ours[ROUNDS], fresh[ROUNDS], theirs[ROUNDS];

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static int compare(const void *left, const void *right) {
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

__attribute__((noinline)) static void measure(void) {
    for (int round = 0; round < ROUNDS; round++) {
        double start = now();
        for (int i = 0; i < CAPTURES; i++)
            count_ours = unwinder_eh_capture(frames, ROOM);
        double before_fresh = now();
        for (int i = 0; i < CAPTURES; i++) {
            memset(frames, 0, sizeof *frames * (count_ours + 1));
            unwinder_eh_capture(frames, ROOM);
        }
        double middle = now();
        for (int i = 0; backtrace_all && i < CAPTURES; i++)
            count_theirs = (size_t)backtrace_all((void **)frames, ROOM);
        theirs[round] = (now() - middle) / CAPTURES;
        ours[round] = (before_fresh - start) / CAPTURES;
        fresh[round] = (middle - before_fresh) / CAPTURES;
    }
    __asm__ volatile("" ::: "memory");
}

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

int main(void) {
    static const int depths[] = {0, 2, 5, 12, 26, 56, 120};
    loader_start();
    if (!unwinder_eh_start())
        return 77;
    void *library = dlopen("libunwind.so.8", RTLD_NOW | RTLD_LOCAL);
    if (library)
        *(void **)&backtrace_all = dlsym(library, "unw_backtrace");
    printf("frames: ours  theirs   ns: ours  cleared buffer  unw_backtrace   ratio  cleared\n");
    for (size_t i = 0; i < sizeof depths / sizeof *depths; i++) {
        descend(depths[i]);
        qsort(ours, ROUNDS, sizeof *ours, compare);
        qsort(theirs, ROUNDS, sizeof *theirs, compare);
        qsort(fresh, ROUNDS, sizeof *fresh, compare);
        double a = ours[ROUNDS / 2], c = fresh[ROUNDS / 2], b = theirs[ROUNDS / 2];
        printf("%12zu  %6zu   %8.1f  %14.1f  %13.1f   %5.2f  %7.2f\n", count_ours, count_theirs, a, c, b, a / b, c / b);
    }
    return 0;
}
