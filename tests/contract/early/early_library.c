/* A library that allocates from its constructors and destructors, first and last. early_program.c is linked against it.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

int early_failures;
void *early_first, *early_default;
static char *kept;

/* Every size class once, and a large object. */
static void allocate_all_over(void) {
    for (size_t size = 1; size < 1 << 20; size = size * 5 / 4 + 1) {
        unsigned char *p = calloc(1, size);
        if (!p || p[0] || p[size - 1])
            early_failures++;
        memset(p, 1, size);
        p = realloc(p, size * 2);
        if (!p || p[size - 1] != 1)
            early_failures++;
        free(p);
    }
}

static void *in_thread(void *unused) {
    allocate_all_over();
    return unused;
}

__attribute__((constructor(101))) static void first(void) {
    allocate_all_over();
    early_first = malloc(100);
}

__attribute__((constructor)) static void later(void) {
    pthread_t thread;
    allocate_all_over();
    early_default = realloc(early_first, 5000);
    if (pthread_create(&thread, NULL, in_thread, NULL) != 0)
        early_failures++;
    pthread_join(thread, NULL);
    kept = strdup("kept by the library");
}

/* Runs after main and after the program's own destructors. */
__attribute__((destructor(101))) static void last(void) {
    if (strcmp(kept, "kept by the library") != 0)
        abort();
    free(kept);
    allocate_all_over();
    if (early_failures)
        abort();
}
