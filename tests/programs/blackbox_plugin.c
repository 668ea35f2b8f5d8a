/* A library of which only the old stacks are left when it has gone. */
#include <stdlib.h>

void *plugin_allocate(size_t size);
void *plugin_allocate(size_t size) {
    void *volatile p = malloc(size);
    return p;
}
