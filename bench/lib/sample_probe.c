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

#include "bench/lib/deep_stack.h"
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

int main(void) {
    static const int depths[] = {0, 14, 54, 114};
    void *library = dlopen("libunwind.so.8", RTLD_NOW | RTLD_LOCAL);
    *(void **)&set_rate = dlsym(RTLD_DEFAULT, "heaptap_set_mem_profile_rate");
    if (library)
        *(void **)&backtrace_all = dlsym(library, "unw_backtrace");
    if (!set_rate || !backtrace_all)
        return 77;
    printf("frames   unw_backtrace   sample    free    sample/unw   sample+free/unw\n");
    for (size_t i = 0; i < sizeof depths / sizeof *depths; i++) {
        descend(depths[i]);
        double bare = median(theirs, ROUNDS);
        double sample = median(on.allocate, ROUNDS) - median(off.allocate, ROUNDS),
               end = median(on.release, ROUNDS) - median(off.release, ROUNDS);
        printf("%6d %15.1f %8.1f %7.1f %13.2f %17.2f\n", frame_count, bare, sample, end, sample / bare,
               (sample + end) / bare);
    }
    return 0;
}
