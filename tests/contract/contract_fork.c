/* Forks of a program whose other threads are inside the allocator most of the time. The child must find the
 * heap whole: it frees what it inherited, allocates in every class, starts a thread, and forks again. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "tests/support/expect.h"

enum { THREADS = 4, FORKS = 200, INHERITED = 200, SECONDS_FOR_A_CHILD = 20 };

static _Atomic int stop;
static _Atomic int handlers_ran;

static void *churn(void *seed) {
    unsigned state = (unsigned)(uintptr_t)seed;
    void *blocks[64] = {NULL};
    while (!stop) {
        state = state * 1664525 + 1013904223;
        unsigned i = state >> 26;
        size_t size = (state >> 8) % (state % 64 ? 2000 : 200000);
        free(blocks[i]);
        blocks[i] = state & 4 ? calloc(1, size) : malloc(size);
    }
    for (int i = 0; i < 64; i++)
        free(blocks[i]);
    return NULL;
}

/* A program's own handlers may allocate: in the parent before and after, in the child. */
static void allocate_around_fork(void) {
    for (size_t size = 1; size < 100000; size *= 3)
        free(malloc(size));
    handlers_ran++;
}

static void *allocate_a_little(void *unused) {
    for (int i = 0; i < 1000; i++)
        free(malloc((size_t)i));
    return unused;
}

static void live_as_child(unsigned char **inherited, int depth) {
    pthread_t thread;
    alarm(SECONDS_FOR_A_CHILD);
    for (int i = 0; i < INHERITED; i++) {
        size_t size = (size_t)(i * 97) % 40000;
        for (size_t k = 0; k < size; k += 100)
            EXPECT(inherited[i][k] == (unsigned char)i);
        if (i % 2)
            free(inherited[i]);
        else
            free(realloc(inherited[i], size * 2 + 1));
    }
    for (size_t size = 0; size < 300000; size = size * 5 / 4 + 1) {
        void *p = malloc(size);
        EXPECT(p != NULL);
        free(p);
    }
    EXPECT(pthread_create(&thread, NULL, allocate_a_little, NULL) == 0);
    pthread_join(thread, NULL);
    if (depth == 0) {
        int status = -1;
        pid_t grandchild = fork();
        if (grandchild == 0)
            _exit(allocate_a_little("") ? expect_failures != 0 : 1);
        waitpid(grandchild, &status, 0);
        EXPECT(status == 0);
    }
}

static void fork_once(int round) {
    unsigned char *inherited[INHERITED];
    for (int i = 0; i < INHERITED; i++) {
        inherited[i] = malloc((size_t)(i * 97) % 40000 + 1);
        memset(inherited[i], i, (size_t)(i * 97) % 40000 + 1);
    }
    pid_t child = fork();
    EXPECT(child >= 0);
    if (child == 0) {
        live_as_child(inherited, round % 10);
        /* Every tenth runs the exit handlers too. */
        if (round % 10 == 1)
            exit(expect_failures != 0);
        _exit(expect_failures != 0);
    }
    int status = -1;
    waitpid(child, &status, 0);
    EXPECT(status == 0);
    for (int i = 0; i < INHERITED; i++)
        free(inherited[i]);
}

/* ---- memory of threads that the child does not have ---- */

enum { HOARD = 300000, HOARD_BYTES = 64 };
static void *hoard[HOARD];
static pthread_barrier_t barrier;

static void *hoard_and_wait(void *unused) {
    for (int i = 0; i < HOARD; i++)
        memset(hoard[i] = malloc(HOARD_BYTES), i, HOARD_BYTES);
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    return unused;
}

static size_t resident_bytes(void) {
    char text[100] = "";
    size_t total = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    EXPECT(file && fgets(text, sizeof text, file) && sscanf(text, "%zu %zu", &total, &resident) == 2);
    fclose(file);
    return resident * (size_t)sysconf(_SC_PAGESIZE);
}

/* Frees what another thread of the parent allocated, and allocates as much: it must get that memory again. */
static void live_on_orphans(void) {
    alarm(SECONDS_FOR_A_CHILD);
    for (int i = 0; i < HOARD; i++) {
        EXPECT(*(unsigned char *)hoard[i] == (unsigned char)i);
        free(hoard[i]);
    }
    size_t before = resident_bytes();
    for (int i = 0; i < HOARD; i++)
        memset(hoard[i] = malloc(HOARD_BYTES), i, HOARD_BYTES);
    /* glibc gives it to other threads only; and with every allocation sampled the profiler's tables grow too.
     */
    if (expect_is_preloaded() && !getenv("HEAPTAP_MEMPROFILERATE"))
        EXPECT(resident_bytes() < before + HOARD * HOARD_BYTES / 4);
    _exit(expect_failures != 0);
}

static void test_orphaned_memory_is_reused(void) {
    pthread_t thread;
    int status = -1;
    pthread_barrier_init(&barrier, NULL, 2);
    EXPECT(pthread_create(&thread, NULL, hoard_and_wait, NULL) == 0);
    pthread_barrier_wait(&barrier);
    pid_t child = fork();
    if (child == 0)
        live_on_orphans();
    waitpid(child, &status, 0);
    EXPECT(status == 0);
    pthread_barrier_wait(&barrier);
    pthread_join(thread, NULL);
    for (int i = 0; i < HOARD; i++)
        free(hoard[i]);
}

int main(void) {
    pthread_t threads[THREADS];
    test_orphaned_memory_is_reused();
    EXPECT(pthread_atfork(allocate_around_fork, allocate_around_fork, allocate_around_fork) == 0);
    for (int i = 0; i < THREADS; i++)
        EXPECT(pthread_create(&threads[i], NULL, churn, (void *)(uintptr_t)(i + 1)) == 0);
    for (int round = 0; round < FORKS; round++)
        fork_once(round);
    stop = 1;
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    EXPECT(handlers_ran == 2 * FORKS);
    return expect_report();
}
