/* Modules that come and go: they allocate as they are loaded, while threads look symbols up, and what they
 * allocated outlives them. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/expect.h"

static char path[4096];

static void *load_and_call(void *rounds) {
    for (long i = 0; i < (long)rounds; i++) {
        void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        EXPECT(module != NULL);
        if (!module)
            return NULL;
        char *(*text)(void) = (char *(*)(void))dlsym(module, "plugin_text");
        EXPECT(dlsym(module, "there is no such symbol") == NULL && dlerror() != NULL);
        char *copy = text ? text() : NULL;
        dlclose(module);
        EXPECT(copy && strcmp(copy, "loaded") == 0);
        free(copy);
        free(malloc((size_t)i * 100));
    }
    EXPECT(dlopen("/nowhere/at/all.so", RTLD_NOW) == NULL && dlerror() != NULL);
    return NULL;
}

int main(int argc, char **argv) {
    pthread_t threads[4];
    const char *slash = strrchr(argv[argc - 1], '/');
    snprintf(path, sizeof path, "%.*s/plugin.so", slash ? (int)(slash - argv[argc - 1]) : 1,
             slash ? argv[argc - 1] : ".");
    load_and_call((void *)50);
    for (int i = 0; i < 4; i++)
        EXPECT(pthread_create(&threads[i], NULL, load_and_call, (void *)50) == 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    return expect_report();
}
