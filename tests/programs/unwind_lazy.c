/* A library for unwind_subject.c, to be linked with -z lazy: its first calls go through the linker's resolver, and what
 * that resolver calls to choose one of several implementations allocates. */
#include <stdlib.h>

void *plugin_make(size_t size) {
    void *p = malloc(size);
    __asm__ volatile("" ::: "memory");
    return p;
}

static int first(int x) {
    free(plugin_make(30));
    return x;
}

static void *choose(void) {
    void *p = malloc(40);
    __asm__ volatile("" ::: "memory");
    free(p);
    return (void *)first;
}

int plugin_chosen(int x) __attribute__((ifunc("choose")));

int plugin_resolve(int x) { return plugin_chosen(x) + plugin_chosen(x) + atoi("1"); }
