/* Allocates from a few functions, says `ready`, reads its standard input to the end, allocates again, and
 * ends with status 7: a program that has to get through whatever its profiler meets. Compiled by
 * dump_failures.sh. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

__attribute__((noinline)) static char *small(void) { return strdup("some text that is kept"); }
__attribute__((noinline)) static char *large(void) { return calloc(1, 300000); }

static void *kept[4000];

int main(void) {
    char buffer[64];
    for (size_t i = 0; i < 2000; i++)
        kept[i] = i % 50 ? small() : large();
    puts("ready");
    fflush(stdout);
    while (read(0, buffer, sizeof buffer) > 0)
        free(malloc(1000));
    for (size_t i = 2000; i < 4000; i++)
        kept[i] = i % 50 ? small() : large();
    for (size_t i = 0; i < 4000; i++)
        if (!kept[i])
            return 1;
    puts("done");
    return 7;
}
