/* What an idle thread keeps, for bench/threads: 256 threads each make and free some objects of several sizes, and wait.
 * Prints the growth of the process's resident memory, in bytes a thread. With no objects it is the cost of the
 * thread without the allocator's.
 *
 *   parked_threads OBJECTS */
#include <pthread.h>
#include <unistd.h>

#include "workload.h"

enum { THREADS = 256, STACK = 128 << 10, KEPT_MOST = 1024 };

static pthread_barrier_t parked, leave;
static unsigned objects;

static long resident_bytes(void) {
    long all = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%ld %ld", &all, &resident) != 2)
        exit(1);
    fclose(file);
    return resident * sysconf(_SC_PAGESIZE);
}

static void *run(void *none) {
    void *kept[KEPT_MOST];
    for (unsigned i = 0; i < objects; i++)
        kept[i] = object_new((size_t)16 << i % 6, i);
    for (unsigned i = 0; i < objects; i++)
        free(kept[i]);
    pthread_barrier_wait(&parked);
    pthread_barrier_wait(&leave);
    return none;
}

int main(int argc, char **argv) {
    objects = argc > 1 ? (unsigned)atoi(argv[1]) : 0;
    if (objects > KEPT_MOST)
        return 2;
    pthread_t threads[THREADS];
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK);
    pthread_barrier_init(&parked, NULL, THREADS + 1);
    pthread_barrier_init(&leave, NULL, THREADS + 1);
    long before = resident_bytes();
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], &attributes, run, NULL) != 0)
            return 1;
    pthread_barrier_wait(&parked);
    printf("%ld\n", (resident_bytes() - before) / THREADS);
    pthread_barrier_wait(&leave);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    return 0;
}
