/* Loads two libraries in turn, which come to the same address, and unloads them behind the back of whoever exports
 * dlclose, as the C library does with its own modules. Prints how often the second was where the first had been. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

static void *previous;
static int same;

__attribute__((noinline)) static void use(const char *path, int (*close_library)(void *)) {
    void *library = dlopen(path, RTLD_NOW);
    void *(*make)(size_t) = (void *(*)(size_t))dlsym(library, "plugin_make");
    same += (void *)make == previous;
    previous = (void *)make;
    for (int i = 0; i < 20; i++)
        free(make(100));
    close_library(library);
}

int main(int argc, char **argv) {
    void *libc = dlopen("libc.so.6", RTLD_NOW);
    int (*close_library)(void *) = (int (*)(void *))dlsym(libc, "dlclose");
    for (int i = 0; i < 10; i++)
        use(argv[1 + i % (argc - 1)], close_library);
    printf("%d\n", same);
    return 0;
}
