/* Where the system gives no more, malloc says NULL and ENOMEM and the program goes on. Runs itself again
 * under an address space limit that was there before the program began. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "tests/support/expect.h"

enum { KEPT = 200000 };
static void *kept[KEPT];

static size_t address_space(void) {
    char text[100] = "";
    FILE *file = fopen("/proc/self/statm", "r");
    EXPECT(file && fgets(text, sizeof text, file));
    fclose(file);
    return strtoul(text, NULL, 10) * (size_t)sysconf(_SC_PAGESIZE);
}

static void limit_address_space(size_t bytes) {
    struct rlimit limit = {bytes, bytes};
    getrlimit(RLIMIT_AS, &limit);
    limit.rlim_cur = bytes;
    EXPECT(setrlimit(RLIMIT_AS, &limit) == 0);
}

/* Allocates until NULL; the number of blocks. */
static int exhaust(size_t size) {
    int n = 0;
    errno = 0;
    while (n < KEPT && (kept[n] = malloc(size))) {
        memset(kept[n], n, size < 64 ? size : 64);
        n++;
    }
    EXPECT(n == KEPT || errno == ENOMEM);
    return n;
}

static void release(int n) {
    for (int i = 0; i < n; i++)
        free(kept[i]);
}

static void test_exhaustion(size_t size) {
    int first = exhaust(size);
    EXPECT(first > 10 && first < KEPT);
    errno = 0;
    EXPECT(calloc(1, size * 8) == NULL && errno == ENOMEM);
    errno = 0;
    EXPECT(realloc(kept[0], size * 8) == NULL && errno == ENOMEM);
    void *out = NULL;
    EXPECT(posix_memalign(&out, 4096, size * 8) == ENOMEM && out == NULL);
    /* Going on: give back every second one, and as many must fit again. */
    int freed = 0;
    for (int i = 0; i < first; i += 2, freed++)
        free(kept[i]);
    int again = 0;
    for (int i = 0; i < first; i += 2)
        again += (kept[i] = malloc(size)) != NULL;
    EXPECT(again == freed);
    release(first);
    /* After all that a good part of it fits a second time. */
    int second = exhaust(size);
    EXPECT(second >= first / 2);
    release(second);
}

static void *allocate_in_thread(void *unused) {
    for (int i = 0; i < 1000; i++)
        free(malloc(100));
    return unused;
}

static void test_huge_requests(void) {
    for (int shift = 40; shift < 63; shift++) {
        errno = 0;
        void *p = malloc((size_t)1 << shift);
        if (shift >= 47)
            EXPECT(p == NULL);
        EXPECT(p || errno == ENOMEM);
        free(p);
    }
    void *p = malloc(100);
    EXPECT(p != NULL);
    free(p);
}

static int under_limit(void) {
    pthread_t thread;
    pthread_attr_t attributes;
    test_exhaustion(64 << 10);
    test_exhaustion(2 << 10);
    test_exhaustion(1 << 20);
    test_huge_requests();
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 256 << 10);
    EXPECT(pthread_create(&thread, &attributes, allocate_in_thread, NULL) == 0);
    pthread_join(thread, NULL);
    return expect_report();
}

/* The status of a child that goes through all this, under a limit that was there before it began, or that
 * comes while it runs. */
static int run_child(int again, char *name) {
    int status = -1;
    pid_t child = fork();
    if (child == 0 && again) {
        limit_address_space(160 << 20);
        execl("/proc/self/exe", name, "limited", (char *)NULL);
        _exit(99);
    }
    if (child == 0) {
        limit_address_space(address_space() + (96 << 20));
        _exit(under_limit());
    }
    waitpid(child, &status, 0);
    return status;
}

int main(int argc, char **argv) {
    if (argc > 1)
        return under_limit();
    EXPECT(run_child(1, argv[0]) == 0);
    EXPECT(run_child(0, argv[0]) == 0);
    test_huge_requests();
    return expect_report();
}
