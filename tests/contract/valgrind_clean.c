/* For valgrind.sh: threads that do nothing wrong, with most of what the library exports. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 4, STEPS = 20000, KEPT = 100 };

static void *handed[KEPT];

static void *work(void *unused) {
    void *kept[KEPT] = {NULL};
    for (int i = 0; i < STEPS; i++) {
        int k = i % KEPT;
        size_t size = (size_t)i % 3000;
        free(kept[k]);
        kept[k] = i % 7 ? malloc(size) : i % 5 ? calloc(size, 3) : aligned_alloc(64, size);
        if (i % 11 == 0)
            kept[k] = realloc(kept[k], (size_t)i % 50000 + 1);
        if (i % 3)
            memset(kept[k], 1, i % 11 ? size : 1);
        if (i % 13 == 0)
            kept[k] = __atomic_exchange_n(&handed[k], kept[k], __ATOMIC_ACQ_REL);
    }
    for (int k = 0; k < KEPT; k++)
        free(kept[k]);
    return unused;
}

int main(void) {
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, work, NULL);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int k = 0; k < KEPT; k++)
        free(handed[k]);
    return 0;
}
