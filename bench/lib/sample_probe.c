/* What one recorded sample costs, in nanoseconds, in a program that runs under libheaptap.so: capture, intern, count,
 * and the free that takes it back; beside bare unw_backtrace on the same stack. They take turns over the same stacks. A
 * line for each depth: the frames of the program on the stack, the medians, the ratios.
 *
 * A sample is what malloc takes at MemProfileRate 1 over what it takes at rate 0, a free likewise. Objects come in
 * batches, so that both can be told apart and the clock is read seldom. */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "include/heaptap.h"

enum { ROOM = 256, ROUNDS = 81, BATCH = 64, BATCHES = 16 };
enum { OBJECTS = BATCH * BATCHES };

struct times {
    double allocate[ROUNDS], release[ROUNDS];
};

static size_t (*set_rate)(size_t rate);
static int (*backtrace_all)(void **buffer, int size);
static struct times off, on;
static double theirs[ROUNDS];
static int frame_count;

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static int compare(const void *left, const void *right) {
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static double median(double *values) {
    qsort(values, ROUNDS, sizeof *values, compare);
    return values[ROUNDS / 2];
}

static __attribute__((noinline)) void run_pairs(struct times *times, int round) {
    static void *objects[BATCH];
    double allocating = 0, releasing = 0;
    for (int i = 0; i < BATCHES; i++) {
        double start = now();
        for (int j = 0; j < BATCH; j++)
            objects[j] = malloc(64);
        double middle = now();
        for (int j = 0; j < BATCH; j++)
            free(objects[j]);
        releasing += now() - middle;
        allocating += middle - start;
    }
    times->allocate[round] = allocating / OBJECTS;
    times->release[round] = releasing / OBJECTS;
    __asm__ volatile("" ::: "memory");
}

static __attribute__((noinline)) void run_backtraces(int round) {
    static void *frames[ROOM];
    double start = now();
    for (int i = 0; i < OBJECTS; i++)
        frame_count = backtrace_all(frames, ROOM);
    theirs[round] = (now() - start) / OBJECTS;
    __asm__ volatile("" ::: "memory");
}

__attribute__((noinline)) static void measure(void) {
    for (int round = -2; round < ROUNDS; round++) { /* two to warm up */
        int to = round < 0 ? 0 : round;
        set_rate(0);
        run_pairs(&off, to);
        set_rate(1);
        run_pairs(&on, to);
        run_backtraces(to);
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

static int is_different(const void *left, const void *right) { return left != right; }

int main(void) {
    static const int depths[] = {0, 14, 54, 114};
    void *library = dlopen("libunwind.so.8", RTLD_NOW | RTLD_LOCAL);
    *(void **)&set_rate = dlsym(RTLD_DEFAULT, "heaptap_set_mem_profile_rate");
    if (library)
        *(void **)&backtrace_all = dlsym(library, "unw_backtrace");
    if (!set_rate || !backtrace_all || !is_different(library, NULL))
        return 77;
    printf("frames   unw_backtrace   sample    free    sample/unw   sample+free/unw\n");
    for (size_t i = 0; i < sizeof depths / sizeof *depths; i++) {
        descend(depths[i]);
        double bare = median(theirs);
        double sample = median(on.allocate) - median(off.allocate), end = median(on.release) - median(off.release);
        printf("%6d %15.1f %8.1f %7.1f %13.2f %17.2f\n", frame_count, bare, sample, end, sample / bare,
               (sample + end) / bare);
    }
    return 0;
}
