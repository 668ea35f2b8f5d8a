/* Functions that allocate known amounts, from several threads, freed here and there. known_sites.sh knows the
 * same numbers: the sizes are slot sizes already, so what is asked for is what is counted. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define SITE __attribute__((noinline, noclone))

enum { THREADS = 3 };

static void *volatile sink;

/* The barrier keeps the call from becoming a jump, so that the site is on the stack. */
SITE static void *site_malloc(size_t size) {
    void *p = malloc(size);
    sink = p;
    __asm__ volatile("" ::: "memory");
    return p;
}

SITE static void *site_calloc(void) {
    void *p = calloc(8, 256);
    sink = p;
    __asm__ volatile("" ::: "memory");
    return p;
}

SITE static void *site_realloc(void *old, size_t size) {
    void *p = realloc(old, size);
    sink = p;
    __asm__ volatile("" ::: "memory");
    return p;
}

SITE static void *site_large(void) {
    void *p = malloc(1 << 20);
    sink = p;
    __asm__ volatile("" ::: "memory");
    return p;
}

SITE static void *site_aligned(void) {
    void *p = NULL;
    if (posix_memalign(&p, 64, 128) != 0)
        abort();
    sink = p;
    __asm__ volatile("" ::: "memory");
    return p;
}

static void *handed[THREADS][100];

/* Two sizes on one stack; the second hundred is freed by the main thread. */
static void *thread_main(void *argument) {
    void **out = argument;
    for (int i = 0; i < 200; i++) {
        void *p = site_malloc(i % 2 ? 64 : 1024);
        if (i >= 100)
            out[i - 100] = p;
    }
    return NULL;
}

int main(void) {
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, thread_main, handed[i]);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < THREADS; i++)
        for (int k = 0; k < 100; k++)
            free(handed[i][k]);
    for (int i = 0; i < 40; i++) {
        void *p = site_calloc();
        if (i % 4 == 0)
            free(p);
    }
    for (int i = 0; i < 10; i++)
        if (i < 5)
            free(site_large());
        else
            site_large();
    for (int i = 0; i < 30; i++)
        site_aligned();
    void *grown = NULL;
    for (int i = 0; i < 5; i++)
        grown = site_realloc(grown, (size_t)64 << i);
    return 0;
}
