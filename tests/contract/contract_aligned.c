/* The five ways to ask for alignment, and what each says to a bad one. */
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <string.h>

#include "tests/support/expect.h"

static void test_posix_memalign_refuses(void) {
    static const size_t bad[] = {0, 1, 2, 4, 3, 7, 12, 24, 4095, 4097, SIZE_MAX, SIZE_MAX - 7};
    void *marker = &marker, *out = marker;
    errno = 77;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        EXPECT(posix_memalign(&out, bad[i], 10) == EINVAL && out == marker);
    EXPECT(posix_memalign(&out, 64, SIZE_MAX) == ENOMEM && out == marker);
    EXPECT(posix_memalign(&out, 64, (size_t)PTRDIFF_MAX + 1) == ENOMEM && out == marker);
    EXPECT(posix_memalign(&out, (size_t)1 << 62, 8) == ENOMEM && out == marker);
    EXPECT(posix_memalign(&out, (size_t)1 << 63, 8) == ENOMEM && out == marker);
    EXPECT(errno == 77 || !expect_is_preloaded()); /* glibc lets ENOMEM through */
}

static void use(void *p, size_t align, size_t size) {
    EXPECT(p != NULL && (uintptr_t)p % align == 0);
    if (!p)
        return;
    EXPECT(malloc_usable_size(p) >= size);
    memset(p, 0xa5, malloc_usable_size(p));
}

static void test_every_alignment(void) {
    static const size_t sizes[] = {0, 1, 8, 9, 33, 100, 4096, 5000, 32768, 32769, 100000, 1 << 20};
    for (size_t align = 1; align <= (size_t)64 << 20; align *= 2)
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            void *blocks[3] = {NULL, NULL, NULL};
            blocks[0] = memalign(align, sizes[i]);
            blocks[1] = aligned_alloc(align, sizes[i]);
            if (align >= sizeof(void *)) {
                errno = 78;
                EXPECT(posix_memalign(&blocks[2], align, sizes[i]) == 0 && errno == 78);
                use(blocks[2], align, sizes[i]);
            }
            use(blocks[0], align, sizes[i]);
            use(blocks[1], align, sizes[i]);
            EXPECT(blocks[0] != blocks[1]);
            blocks[1] = realloc(blocks[1], sizes[i] + 100);
            EXPECT(blocks[1] && (!sizes[i] || *(unsigned char *)blocks[1] == 0xa5));
            for (int k = 0; k < 3; k++)
                free(blocks[k]);
        }
}

/* Many aligned objects at once, so that a slot which is aligned by luck does not pass. */
static void test_many_aligned(void) {
    void *blocks[300];
    for (size_t align = 32; align <= 16384; align *= 2) {
        for (int i = 0; i < 300; i++)
            use(blocks[i] = memalign(align, 24 + (size_t)i), align, 24 + (size_t)i);
        for (int i = 0; i < 300; i++)
            free(blocks[i]);
    }
}

static void test_bad_alignments(void) {
    size_t huge = SIZE_MAX / 2 + 1;
    errno = 0;
    EXPECT(memalign(huge, 8) == NULL && (errno == ENOMEM || errno == EINVAL));
    errno = 0;
    EXPECT(memalign((size_t)1 << 50, 8) == NULL && errno == ENOMEM);
    errno = 0;
    EXPECT(memalign(4096, SIZE_MAX - 4096) == NULL && errno == ENOMEM);
    if (!expect_is_preloaded())
        return; /* glibc before 2.38 rounds such alignments up */
    static const size_t bad[] = {0, 3, 24, 1000, SIZE_MAX};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        errno = 0;
        EXPECT(aligned_alloc(bad[i], 1000) == NULL && errno == EINVAL);
    }
}

static void test_page_aligned(void) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    for (size_t size = 0; size < 5 * page; size += 777) {
        void *p = valloc(size), *q = pvalloc(size);
        use(p, page, size);
        use(q, page, (size + page - 1) / page * page);
        free(p);
        free(q);
    }
}

int main(void) {
    test_posix_memalign_refuses();
    test_every_alignment();
    test_many_aligned();
    test_bad_alignments();
    test_page_aligned();
    return expect_report();
}
