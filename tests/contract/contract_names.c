/* Names that few programs call but that must reach the same heap: the __libc_ aliases, cfree, the sized frees
 * of C23, and the C library's ways to look at and tune malloc. */
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/expect.h"

#define FIND(type, name) type name = (type)dlsym(RTLD_DEFAULT, #name)

typedef void *(*size_function)(size_t);
typedef void *(*two_sizes_function)(size_t, size_t);

static void test_libc_aliases(void) {
    FIND(size_function, __libc_malloc);
    FIND(two_sizes_function, __libc_calloc);
    FIND(two_sizes_function, __libc_memalign);
    FIND(size_function, __libc_valloc);
    FIND(size_function, __libc_pvalloc);
    void *(*__libc_realloc)(void *, size_t) = (void *(*)(void *, size_t))dlsym(RTLD_DEFAULT, "__libc_realloc");
    void (*__libc_free)(void *) = (void (*)(void *))dlsym(RTLD_DEFAULT, "__libc_free");
    EXPECT(__libc_malloc && __libc_calloc && __libc_memalign && __libc_valloc && __libc_pvalloc);
    EXPECT(__libc_realloc && __libc_free);
    if (expect_failures)
        return;
    free(__libc_malloc(100));
    free(__libc_calloc(10, 10));
    free(__libc_memalign(256, 10));
    free(__libc_valloc(10));
    free(__libc_pvalloc(10));
    __libc_free(malloc(100));
    char *text = __libc_realloc(strdup("kept"), 5000);
    EXPECT(strcmp(text, "kept") == 0 && malloc_usable_size(text) >= 5000);
    __libc_free(realloc(text, 10));
}

/* glibc has cfree for old binaries only and the sized frees since 2.41. */
static void test_other_frees(void) {
    void (*cfree_found)(void *) = (void (*)(void *))dlsym(RTLD_DEFAULT, "cfree");
    void (*sized)(void *, size_t) = (void (*)(void *, size_t))dlsym(RTLD_DEFAULT, "free_sized");
    void (*aligned)(void *, size_t, size_t) =
        (void (*)(void *, size_t, size_t))dlsym(RTLD_DEFAULT, "free_aligned_sized");
    if (!expect_is_preloaded())
        return;
    EXPECT(cfree_found && sized && aligned);
    if (expect_failures)
        return;
    cfree_found(malloc(10));
    cfree_found(NULL);
    sized(NULL, 10);
    aligned(NULL, 64, 10);
    for (size_t size = 0; size < 100000; size = size * 3 / 2 + 1) {
        sized(malloc(size), size);
        sized(calloc(size, 1), size);
        sized(realloc(malloc(size * 2), size ? size : 1), size ? size : 1);
        sized(realloc(malloc(size), size + 1), size + 1);
        for (size_t align = 16; align <= 8192; align *= 2)
            aligned(aligned_alloc(align, size), align, size);
    }
}

static void test_looking(void) {
    void *p = malloc(1 << 20), *q = malloc(100);
    memset(p, 1, 1 << 20);
    struct mallinfo2 before = mallinfo2();
    EXPECT(before.uordblks + before.hblkhd >= (1 << 20));
    EXPECT(before.arena + before.hblkhd >= before.uordblks);
    struct mallinfo old = mallinfo();
    EXPECT((size_t)(unsigned)old.uordblks + (size_t)(unsigned)old.hblkhd >= (1 << 20));
    free(p);
    struct mallinfo2 after = mallinfo2();
    EXPECT(after.uordblks + after.hblkhd + (1 << 20) <= before.uordblks + before.hblkhd + 4096);
    free(q);
    int trimmed = malloc_trim(0);
    EXPECT(trimmed == 0 || trimmed == 1);
}

static void test_tuning(void) {
    EXPECT(mallopt(M_MMAP_THRESHOLD, 1 << 20) == 1);
    EXPECT(mallopt(M_TRIM_THRESHOLD, 1 << 20) == 1);
    EXPECT(mallopt(M_ARENA_MAX, 2) == 1);
    void *p = malloc(2 << 20);
    EXPECT(p != NULL);
    free(p);
}

static void test_reports(void) {
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    EXPECT(stream && malloc_info(0, stream) == 0);
    EXPECT(fclose(stream) == 0 && size > 0);
    EXPECT(text && strncmp(text, "<malloc", 7) == 0 && strstr(text, "</malloc>") != NULL);
    free(text);
    stream = open_memstream(&text, &size);
    EXPECT(malloc_info(1, stream) != 0);
    fclose(stream);
    free(text);
    malloc_stats(); /* speaks on standard error, which the runner keeps */
}

int main(void) {
    test_libc_aliases();
    test_other_frees();
    test_looking();
    test_tuning();
    test_reports();
    return expect_report();
}
