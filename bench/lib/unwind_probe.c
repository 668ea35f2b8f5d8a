/* What one warm capture of a stack costs, in nanoseconds: ours (profiler/unwinder_eh.h) and bare unw_backtrace, which
 * take turns over the same stacks; ours once with the buffer as the last capture left it, once with a cleared one,
 * which tells nothing about the stack. A line for each depth: the frames that each found, the medians, and both ratios.
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "bench/lib/deep_stack.h"
#include "profiler/loader.h"
#include "profiler/unwinder_eh.h"

enum { ROOM = 256, ROUNDS = 41, CAPTURES = 2000 };

static int (*backtrace_all)(void **buffer, int size);
static uintptr_t frames[ROOM];
static size_t count_ours, count_theirs;
static double ours[ROUNDS], fresh[ROUNDS], theirs[ROUNDS];

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
        double a = median(ours, ROUNDS), c = median(fresh, ROUNDS), b = median(theirs, ROUNDS);
        printf("%12zu  %6zu   %8.1f  %14.1f  %13.1f   %5.2f  %7.2f\n", count_ours, count_theirs, a, c, b, a / b, c / b);
    }
    return 0;
}
