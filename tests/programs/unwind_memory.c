/* Prints what the process has in memory of its own (KiB), what each of 100 threads added that were sampled (bytes), and
 * whether libunwind is loaded. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 100 };

static pthread_barrier_t step;

/* /proc/self/smaps_rollup and maps into a buffer of our own: nothing is allocated. */
static char text[1 << 20];

static const char *read_file(const char *path) {
    FILE *file = fopen(path, "r");
    static char buffer[4096];
    setvbuf(file, buffer, _IOFBF, sizeof buffer);
    size_t size = fread(text, 1, sizeof text - 1, file);
    text[size] = '\0';
    fclose(file);
    return text;
}

static long anonymous(void) {
    const char *line = strstr(read_file("/proc/self/smaps_rollup"), "Anonymous:");
    return line ? strtol(line + 10, NULL, 10) : -1;
}

static void *allocate(void *unused) {
    for (int i = 0; i < 100; i++)
        free(malloc(100));
    pthread_barrier_wait(&step);
    pthread_barrier_wait(&step);
    return unused;
}

int main(void) {
    pthread_t threads[THREADS];
    for (int i = 0; i < 100; i++)
        free(malloc(100));
    long start = anonymous();
    pthread_barrier_init(&step, NULL, THREADS + 1);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, allocate, NULL);
    pthread_barrier_wait(&step);
    long all = anonymous();
    printf("%ld %ld %s\n", start, (all - start) * 1024 / THREADS,
           strstr(read_file("/proc/self/maps"), "libunwind") ? "libunwind" : "none");
    pthread_barrier_wait(&step);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    return 0;
}
