/* For programs that run with the library preloaded, and so cannot use a test framework of their own: each
 * wrong expectation is one line on standard error, and expect_report() is what main returns.
 *
 * Nothing here allocates. The programs run on the C library's malloc too; what it does differently is asked
 * for only where expect_is_preloaded(). */
#ifndef HEAPTAP_TESTS_SUPPORT_EXPECT_H
#define HEAPTAP_TESTS_SUPPORT_EXPECT_H

#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int expect_failures; /* written atomically by any thread */

static inline void expect_failed(const char *file, int line, const char *condition) {
    char text[400];
    int length = snprintf(text, sizeof text, "%s:%d: not true: %s\n", file, line, condition);
    if (write(2, text, (size_t)length) < 0 || __atomic_add_fetch(&expect_failures, 1, __ATOMIC_RELAXED) > 20)
        _exit(1);
}

#define EXPECT(condition)                                                                                              \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            expect_failed(__FILE__, __LINE__, #condition);                                                             \
    } while (0)

/* The object whose malloc this program calls. */
static inline int expect_is_preloaded(void) {
    Dl_info info;
    return dladdr(dlsym(RTLD_DEFAULT, "malloc"), &info) && strstr(info.dli_fname, "libheaptap") != NULL;
}

/* Hides a pointer from the compiler: what it points to may be read and written by others. */
static inline void *expect_opaque(void *p) {
    __asm__ volatile("" : "+r"(p) : : "memory");
    return p;
}

/* The exit code of main. A runner that preloads the library says so, and then it must be there. */
static inline int expect_report(void) {
    if (getenv("HEAPTAP_EXPECT_PRELOAD"))
        EXPECT(expect_is_preloaded());
    return expect_failures != 0;
}

#endif
