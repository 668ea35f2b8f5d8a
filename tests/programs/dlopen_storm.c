/* Threads that load and unload libraries all the time, threads that allocate from them and from everywhere, threads
 * that throw, C++ style walks of the loader's list, and forks: what deadlocks where the unwinder and the loader wait
 * for each other. Arguments: the seconds, the libraries, which come to the same addresses with different code. */
#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LOADERS = 2, ALLOCATORS = 2, THROWERS = 2, THREADS = LOADERS + ALLOCATORS + THROWERS };

static atomic_bool stop;
static atomic_ulong loads, allocations, forks, throws;
static char **library_paths;
static unsigned libraries;

void storm_throw(int depth); /* storm_throw.cc */

static void *load(void *unused) {
    while (!stop) {
        void *library = dlopen(library_paths[loads % libraries], RTLD_NOW);
        if (!library)
            abort();
        void *(*make)(size_t) = (void *(*)(size_t))dlsym(library, "plugin_make");
        for (int i = 0; i < 20; i++)
            free(make(100 + i));
        dlclose(library);
        loads++;
    }
    return unused;
}

static int visit(struct dl_phdr_info *info, size_t size, void *data) {
    (void)size;
    free(malloc(24));
    *(int *)data += info->dlpi_phnum;
    return 0;
}

static void *allocate(void *unused) {
    void *kept[64] = {NULL};
    for (unsigned i = 0; !stop; i++) {
        int headers = 0;
        free(kept[i % 64]);
        kept[i % 64] = malloc(i % 3000);
        if (i % 256 == 0) {
            dl_iterate_phdr(visit, &headers);
            if (!headers)
                abort();
        }
        allocations++;
    }
    for (int i = 0; i < 64; i++)
        free(kept[i]);
    return unused;
}

static void *throw_all_the_time(void *unused) {
    for (int i = 0; !stop; i++) {
        storm_throw(i % 20);
        throws++;
    }
    return unused;
}

static void fork_one(void) {
    pid_t child = fork();
    int status;
    if (child == 0) {
        for (int i = 0; i < 100; i++)
            free(malloc((size_t)i * 50));
        _exit(0); /* no dlopen here: glibc leaves its own lists half changed where another thread was in it */
    }
    if (waitpid(child, &status, 0) != child || status != 0) {
        fprintf(stderr, "child: status %d\n", status);
        abort();
    }
    forks++;
}

int main(int argc, char **argv) {
    pthread_t threads[THREADS];
    library_paths = argv + 2;
    libraries = (unsigned)argc - 2;
    time_t end = time(NULL) + atoi(argv[1]);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL,
                       i < LOADERS                ? load
                       : i < LOADERS + ALLOCATORS ? allocate
                                                  : throw_all_the_time,
                       NULL);
    while (time(NULL) < end)
        fork_one();
    stop = true;
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    printf("%lu loads, %lu allocations, %lu throws, %lu forks\n", loads, allocations, throws, forks);
    return loads > 10 && allocations > 1000 && throws > 100 && forks > 2 ? 0 : 1;
}
