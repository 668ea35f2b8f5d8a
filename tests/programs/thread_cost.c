/* What thread_cost.sh runs: N threads that are alive together, each with some objects that it made. Prints the private
 * resident KiB and the bytes of the profiler's tables at that moment, and again when the threads have ended. */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAPTAP_WEAK
#include "include/heaptap.h"

enum { MOST_OBJECTS = 64, STACK_BYTES = 128 * 1024 };

static int objects;
static pthread_barrier_t made, measured;

static void *work(void *number) {
    void *mine[MOST_OBJECTS];
    char name[16];
    snprintf(name, sizeof name, "worker-%d", (int)(intptr_t)number);
    pthread_setname_np(pthread_self(), name);
    for (int i = 0; i < objects; i++)
        mine[i] = malloc(64);
    pthread_barrier_wait(&made);
    pthread_barrier_wait(&measured);
    for (int i = 0; i < objects; i++)
        free(mine[i]);
    return number;
}

static long private_kib(void) {
    static char line[256];
    long kib = 0;
    FILE *file = fopen("/proc/self/smaps_rollup", "r");
    if (!file)
        exit(77);
    setvbuf(file, NULL, _IONBF, 0);
    while (fgets(line, sizeof line, file)) {
        if (strncmp(line, "Private_Dirty:", 14) == 0)
            kib = atol(line + 14);
    }
    fclose(file);
    return kib;
}

static void print(void) {
    static struct heaptap_memstats stats;
    if (heaptap_read_memstats)
        heaptap_read_memstats(&stats);
    printf("%ld %lu\n", private_kib(), (unsigned long)stats.buck_hash_sys);
}

int main(int argc, char **argv) {
    if (argc != 3)
        return 2;
    int count = atoi(argv[1]);
    objects = atoi(argv[2]);
    if (objects > MOST_OBJECTS)
        return 2;
    static pthread_t threads[100000];
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    pthread_barrier_init(&made, NULL, (unsigned)count + 1);
    pthread_barrier_init(&measured, NULL, (unsigned)count + 1);
    for (int i = 0; i < count; i++) {
        if (pthread_create(&threads[i], &attributes, work, (void *)(intptr_t)i) != 0)
            return 77;
    }
    pthread_barrier_wait(&made);
    print();
    pthread_barrier_wait(&measured);
    for (int i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    print();
    return 0;
}
