/* The subject of probes.sh: one known object, sampled and freed. */
#include <stdlib.h>

void *volatile object;

__attribute__((noinline)) void ready(void) { __asm__ volatile(""); }

int main(void) {
    ready();
    object = malloc(3000);
    free(object);
    ready();
    return 0;
}
