/* What malloc, calloc, realloc and free promise about sizes, contents, alignment and errno. */
#include <errno.h>
#include <malloc.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "tests/support/expect.h"

enum { MANY = 5000 };

static void test_zero_bytes(void) {
    void *blocks[MANY];
    for (int i = 0; i < MANY; i++) {
        blocks[i] = malloc(0);
        EXPECT(blocks[i] != NULL);
        EXPECT(i == 0 || blocks[i] != blocks[i - 1]);
    }
    for (int i = 0; i < MANY; i++)
        free(blocks[i]);
    void *a = calloc(0, 8), *b = calloc(8, 0), *c = realloc(NULL, 0), *d = reallocarray(NULL, 0, 5);
    EXPECT(a && b && c && d && a != b && b != c && c != d);
    free(a);
    free(b);
    free(c);
    free(d);
    free(NULL);
}

static void test_too_large(void) {
    static const size_t huge[] = {(size_t)PTRDIFF_MAX + 1, SIZE_MAX,       SIZE_MAX - 4096, SIZE_MAX - 16,
                                  (size_t)PTRDIFF_MAX,     (size_t)1 << 62};
    for (size_t i = 0; i < sizeof huge / sizeof *huge; i++) {
        size_t size = (size_t)expect_opaque((void *)huge[i]);
        errno = 0;
        EXPECT(malloc(size) == NULL && errno == ENOMEM);
        errno = 0;
        EXPECT(calloc(1, size) == NULL && errno == ENOMEM);
        errno = 0;
        EXPECT(calloc(size, 3) == NULL && errno == ENOMEM);
        errno = 0;
        EXPECT(realloc(NULL, size) == NULL && errno == ENOMEM);
        errno = 0;
        EXPECT(memalign(64, size) == NULL && errno == ENOMEM);
        errno = 0;
        EXPECT(pvalloc(size) == NULL && errno == ENOMEM);
        errno = 0;
        EXPECT(valloc(size) == NULL && errno == ENOMEM);
    }
    errno = 0;
    EXPECT(calloc((size_t)1 << 32, (size_t)1 << 32) == NULL && errno == ENOMEM);
    errno = 0;
    EXPECT(calloc(SIZE_MAX / 2 + 1, 2) == NULL && errno == ENOMEM);
    errno = 0;
    EXPECT(reallocarray(NULL, (size_t)1 << 33, (size_t)1 << 33) == NULL && errno == ENOMEM);
}

static void test_failed_realloc_keeps_the_block(void) {
    for (size_t size = 1; size < 3000000; size = size * 3 + 1) {
        unsigned char *p = malloc(size);
        memset(p, 0x5a, size);
        errno = 0;
        EXPECT(realloc(p, (size_t)PTRDIFF_MAX + 1) == NULL && errno == ENOMEM);
        errno = 0;
        EXPECT(reallocarray(p, SIZE_MAX / 4, 8) == NULL && errno == ENOMEM);
        for (size_t i = 0; i < size; i++)
            EXPECT(p[i] == 0x5a);
        free(p);
    }
}

static void test_realloc(void) {
    EXPECT(realloc(malloc(10), 0) == NULL);
    EXPECT(realloc(malloc(1000000), 0) == NULL);
    unsigned char *p = NULL;
    size_t old = 0;
    static const size_t path[] = {1, 20, 16, 200, 5000, 40000, 39999, 300000, 3000000, 2999999, 100, 70000, 1};
    for (size_t i = 0; i < sizeof path / sizeof *path; i++) {
        p = reallocarray(p, path[i], 1);
        EXPECT(p != NULL);
        for (size_t k = 0; k < old && k < path[i]; k++)
            EXPECT(p[k] == (unsigned char)(k * 7));
        for (size_t k = 0; k < path[i]; k++)
            p[k] = (unsigned char)(k * 7);
        old = path[i];
    }
    free(p);
}

/* Aligned as the type of that size would need, usable over the whole, and stable. */
static void test_alignment_and_usable_size(void) {
    static void *blocks[2100];
    EXPECT(malloc_usable_size(NULL) == 0);
    for (size_t size = 0; size < 2100; size++) {
        unsigned char *p = blocks[size] = malloc(size);
        size_t usable = malloc_usable_size(p);
        EXPECT((uintptr_t)p % (size >= 16 ? 16 : 8) == 0);
        EXPECT(usable >= size);
        memset(p, (int)size, usable);
        EXPECT(malloc_usable_size(p) == usable);
    }
    for (size_t size = 0; size < 2100; size++) {
        unsigned char *p = blocks[size];
        size_t usable = malloc_usable_size(p);
        for (size_t i = 0; i < usable; i++)
            EXPECT(p[i] == (unsigned char)size);
        free(p);
    }
    for (size_t size = 4096; size < 80 << 20; size = size * 5 / 2 + 13) {
        unsigned char *p = malloc(size);
        EXPECT(p && (uintptr_t)p % 16 == 0 && malloc_usable_size(p) >= size);
        p[0] = p[malloc_usable_size(p) - 1] = 1;
        free(p);
    }
}

static void test_free_keeps_errno(void) {
    for (size_t size = 1; size < 64 << 20; size *= 2) {
        void *blocks[16];
        for (int i = 0; i < 16; i++)
            memset(blocks[i] = malloc(size), 1, size < 4096 ? size : 4096);
        errno = 4242;
        for (int i = 0; i < 16; i++)
            free(blocks[i]);
        EXPECT(errno == 4242);
    }
    errno = 4243;
    free(NULL);
    malloc_trim(0);
    void *p = malloc(100 << 20);
    errno = 4244;
    free(p);
    EXPECT(errno == 4244);
}

/* Memory that was dirty a moment ago, and memory that was given back in between. */
static void test_calloc_is_zero_after_reuse(void) {
    for (size_t size = 8; size < 8 << 20; size = size * 3 / 2 + 5) {
        unsigned char *blocks[20];
        for (int trimmed = 0; trimmed < 2; trimmed++) {
            for (int i = 0; i < 20; i++)
                memset(blocks[i] = malloc(size), 0xee, size);
            for (int i = 0; i < 20; i++)
                free(blocks[i]);
            if (trimmed)
                malloc_trim(0);
            for (int i = 0; i < 20; i++) {
                blocks[i] = calloc(size / 4 + 1, 4);
                for (size_t k = 0; k < size; k++)
                    if (blocks[i][k]) {
                        EXPECT(!"calloc gave dirty memory");
                        break;
                    }
            }
            for (int i = 0; i < 20; i++)
                free(blocks[i]);
        }
    }
}

int main(void) {
    test_zero_bytes();
    test_too_large();
    test_failed_realloc_keeps_the_block();
    test_realloc();
    test_alignment_and_usable_size();
    test_free_keeps_errno();
    test_calloc_is_zero_after_reuse();
    return expect_report();
}
