/* The library that dlopen_storm.c loads: it allocates, in its constructor too, which runs under the loader's
 * lock. */
#include <stdlib.h>

void *plugin_make(size_t size) {
    void *p = malloc(size);
    __asm__ volatile("" ::: "memory");
    return p;
}

static void *held;

__attribute__((constructor)) static void begin(void) { held = plugin_make(5000); }
__attribute__((destructor)) static void end(void) { free(held); }
