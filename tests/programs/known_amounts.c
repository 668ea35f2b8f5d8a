/* Allocates known amounts for the statistics: argument `one`, `mixed`, `rates`, `realloc` or `threads`. Frees half of
 * them. */
#define HEAPTAP_WEAK
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "heaptap.h"

static void *volatile sink;

/* `count` objects of `size` bytes; every second one is freed. */
static void make(size_t size, int count) {
    for (int i = 0; i < count; i++) {
        sink = malloc(size);
        if (i % 2)
            free(sink);
    }
}

/* Resized in place, grown, and shrunk. */
static void make_chains(int count) {
    for (int i = 0; i < count; i++) {
        void *p = malloc(1024);
        p = realloc(p, 1000);
        p = realloc(p, 4096);
        sink = p = realloc(p, 2048);
        if (i % 2)
            free(p);
    }
}

enum { HANDED = 8192 };

static void *handed[2 * HANDED];

static void *fill_handed(void *to) {
    for (int i = 0; i < HANDED; i++)
        ((void **)to)[i] = malloc(2048);
    return NULL;
}

static void *free_handed(void *unused) {
    for (int i = 0; i < 2 * HANDED; i += 2)
        free(handed[i]);
    return unused;
}

/* Half of what a thread made that has ended, and half of what this one made, are freed by a third. */
static void make_and_hand_over(void) {
    pthread_t thread;
    pthread_create(&thread, NULL, fill_handed, handed);
    pthread_join(thread, NULL);
    fill_handed(handed + HANDED);
    pthread_create(&thread, NULL, free_handed, NULL);
    pthread_join(thread, NULL);
}

int main(int argc, char **argv) {
    const char *mode = argc > 1 ? argv[1] : "one";
    if (!heaptap_set_mem_profile_rate)
        return 1;
    if (strcmp(mode, "one") == 0) {
        make(1024, 16384);
    } else if (strcmp(mode, "mixed") == 0) {
        static const size_t sizes[] = {16, 4096, 65536};
        static const int counts[] = {100000, 2000, 100};
        for (int i = 0; i < 3; i++)
            make(sizes[i], counts[i]);
    } else if (strcmp(mode, "realloc") == 0) {
        make_chains(8000);
    } else if (strcmp(mode, "threads") == 0) {
        make_and_hand_over();
    } else {
        static const size_t rates[] = {65536, 512 * 1024, 1, 16384};
        for (int i = 0; i < 4; i++) {
            heaptap_set_mem_profile_rate(rates[i]);
            make(512, 8192);
        }
    }
    return 0;
}
