/* Allocation at both ends of a program's and of a thread's life: before constructors, in destructors of
 * thread keys (also after the allocator's own may have run), in atexit, in threads that do nothing but free.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/expect.h"

enum { KEYS = 300, THREADS = 60, OBJECTS = 500 };

static void *before_constructors, *in_first_constructor, *in_constructor;

static void preinit(void) { before_constructors = malloc(123); }
__attribute__((section(".preinit_array"), used)) static void (*const preinit_entry)(void) = preinit;

__attribute__((constructor(101))) static void first_constructor(void) {
    in_first_constructor = calloc(10, 1000);
    free(before_constructors);
    before_constructors = malloc(300000);
}

__attribute__((constructor)) static void constructor(void) { in_constructor = realloc(in_first_constructor, 50000); }

__attribute__((destructor(101))) static void last_destructor(void) {
    void *p = malloc(777);
    EXPECT(p != NULL);
    free(p);
    free(in_constructor);
    if (expect_failures)
        _exit(1);
}

static void at_exit(void) {
    char *p = strdup("said at exit");
    EXPECT(p && strcmp(p, "said at exit") == 0);
    free(p);
}

/* ---- thread keys ---- */

static pthread_key_t keys[KEYS];
static int key_count;
static _Atomic int destroyed;

/* Runs up to four rounds: the allocator's own key destructor, if it has one, runs before some of these. */
static void key_destructor(void *value) {
    long *rounds = value;
    long left = *rounds - 1;
    free(rounds);
    destroyed++;
    for (int i = 0; i < 20; i++)
        free(malloc((size_t)i * 50));
    if (left > 0) {
        long *again = malloc(sizeof *again);
        *again = left;
        for (int i = 0; i < key_count; i += 37)
            if (!pthread_getspecific(keys[i])) {
                pthread_setspecific(keys[i], again);
                return;
            }
        free(again);
    }
}

static void *thread_with_keys(void *unused) {
    for (int i = 0; i < key_count; i += 7) {
        long *rounds = malloc(sizeof *rounds);
        *rounds = 4;
        pthread_setspecific(keys[i], rounds);
    }
    return unused;
}

/* ---- threads that only free ---- */

static void *given[THREADS][OBJECTS];

static void *only_free(void *objects) {
    void **list = objects;
    for (int i = 0; i < OBJECTS; i++)
        free(list[i]);
    return NULL;
}

/* Objects that outlive their thread are whole, and can be freed and resized by others. */
static void *leave_behind(void *objects) {
    void **list = objects;
    for (int i = 0; i < OBJECTS; i++) {
        size_t size = 1 + (size_t)(i * i) % 9000;
        list[i] = malloc(size);
        memset(list[i], i, size);
    }
    return NULL;
}

static void run_all(void *(*body)(void *), int with_objects) {
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        EXPECT(pthread_create(&threads[i], NULL, body, with_objects ? given[i] : NULL) == 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

static void check_left_behind(void) {
    for (int t = 0; t < THREADS; t++)
        for (int i = 0; i < OBJECTS; i++) {
            size_t size = 1 + (size_t)(i * i) % 9000;
            unsigned char *p = given[t][i];
            EXPECT(p[0] == (unsigned char)i && p[size - 1] == (unsigned char)i);
            if (i % 3 == 0)
                given[t][i] = realloc(p, size * 2);
        }
}

int main(void) {
    EXPECT(before_constructors && in_constructor);
    free(before_constructors);
    atexit(at_exit);
    while (key_count < KEYS && pthread_key_create(&keys[key_count], key_destructor) == 0)
        key_count++;
    EXPECT(key_count >= 250);
    run_all(thread_with_keys, 0);
    EXPECT(destroyed >= THREADS * (key_count / 7));
    run_all(leave_behind, 1);
    check_left_behind();
    run_all(only_free, 1);
    return expect_report();
}
