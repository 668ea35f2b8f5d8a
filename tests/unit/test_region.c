/* A region hands out zeroed, aligned memory that does not overlap, grows arrays, and obeys its limit. */
#include "base/region.h"

#include <string.h>

#include "base/rand.h"
#include "tests/support/unit.h"

static void assert_zero(const unsigned char *p, size_t size) {
    for (size_t i = 0; i < size; i++)
        assert_int_equal(p[i], 0);
}

/* Every piece is filled with its own byte; at the end each still holds it. */
static void test_pieces_are_apart(void **state) {
    (void)state;
    enum { PIECES = 5000 };
    static unsigned char *piece[PIECES];
    static size_t size[PIECES];
    struct region region = {0};
    struct rand_state rand;
    rand_seed(&rand, 5);
    for (int i = 0; i < PIECES; i++) {
        size[i] = rand_below(&rand, i % 100 ? 200 : 100000);
        piece[i] = region_alloc(&region, size[i]);
        assert_non_null(piece[i]);
        assert_int_equal((uintptr_t)piece[i] % 16, 0);
        assert_zero(piece[i], size[i]);
        memset(piece[i], i & 255, size[i]);
    }
    for (int i = 0; i < PIECES; i++)
        for (size_t k = 0; k < size[i]; k++)
            if (piece[i][k] != (i & 255))
                fail_msg("piece %d is overwritten at %zu", i, k);
    region_free(&region);
    assert_null(region.blocks);
    assert_int_equal(region.taken, 0);
}

static void test_empty_pieces_are_distinct(void **state) {
    (void)state;
    struct region region = {0};
    void *a = region_alloc(&region, 0), *b = region_alloc(&region, 0);
    assert_non_null(a);
    assert_true(a != b);
    region_free(&region);
}

/* What fits into the first block makes no second one. */
static void test_first_block(void **state) {
    (void)state;
    struct region region = {.first = 1000000};
    for (int i = 0; i < 100; i++)
        assert_non_null(region_alloc(&region, 9000));
    assert_true(region.taken >= 1000000 && region.taken < 1100000);
    assert_non_null(region_alloc(&region, 200000));
    assert_true(region.taken > 2000000);
    region_free(&region);
    assert_int_equal(region.first, 1000000);
}

/* Two arrays grow in turns, so that neither is ever the last piece; a third grows alone, in place. */
static void test_grow(void **state) {
    (void)state;
    struct region region = {0};
    int *a = NULL, *b = NULL;
    size_t n = 0;
    for (size_t next = 1; next < 100000; n = next, next = next * 3 / 2 + 1) {
        a = region_grow(&region, a, n * sizeof *a, next * sizeof *a);
        b = region_grow(&region, b, n * sizeof *b, next * sizeof *b);
        assert_true(a && b);
        for (size_t i = n; i < next; i++) {
            assert_true(a[i] == 0 && b[i] == 0);
            a[i] = (int)i;
            b[i] = -(int)i;
        }
    }
    for (size_t i = 0; i < n; i++)
        assert_true(a[i] == (int)i && b[i] == -(int)i);
    char *alone = region_alloc(&region, 100), *grown = region_grow(&region, alone, 100, 1000);
    assert_ptr_equal(alone, grown);
    assert_zero((unsigned char *)grown, 1000);
    unsigned char *after = region_alloc(&region, 16);
    assert_true((char *)after >= grown + 1000 || (char *)after < grown);
    region_free(&region);
}

/* An array alone in its region grows, to where its pages can be moved or not: what it held is there, the rest is zero,
 * and what is taken is what it has. */
static void test_resize(void **state) {
    (void)state;
    struct region regions[2] = {{0}, {.limit = 64 << 20}};
    unsigned char *arrays[2] = {NULL, NULL};
    size_t used[2] = {0, 0};
    for (size_t need = 100; need < 50 << 20; need = need * 5 / 2) {
        for (int i = 0; i < 2; i++) {
            size_t size = need;
            arrays[i] = region_resize(&regions[i], arrays[i], used[i], &size);
            assert_non_null(arrays[i]);
            assert_true(size >= need && size <= regions[i].taken && regions[i].taken < size + 4096 * 17);
            for (size_t k = 0; k < used[i]; k += 97)
                assert_int_equal(arrays[i][k], (k / 97 + (size_t)i) & 255);
            assert_zero(arrays[i] + used[i], need - used[i] < 5000 ? need - used[i] : 5000);
            for (size_t k = 0; k < need; k += 97)
                arrays[i][k] = (unsigned char)((k / 97 + (size_t)i) & 255);
            used[i] = need;
        }
    }
    size_t size = 65 << 20;
    assert_null(region_resize(&regions[1], arrays[1], used[1], &size));
    size = SIZE_MAX;
    assert_null(region_resize(&regions[1], arrays[1], used[1], &size));
    assert_int_equal(arrays[1][97], 2);
    region_free(&regions[0]);
    region_free(&regions[1]);
}

static void test_limit(void **state) {
    (void)state;
    struct region region = {.limit = 1 << 20};
    size_t given = 0;
    while (region_alloc(&region, 1000))
        given += 1000;
    assert_in_range(given, 300000, 1 << 20);
    assert_true(region.taken <= region.limit);
    assert_null(region_alloc(&region, 1 << 20));
    region_free(&region);
    assert_int_equal(region.limit, 1 << 20);
    assert_non_null(region_alloc(&region, 1000));
    region_free(&region);
}

static void test_refusals(void **state) {
    (void)state;
    struct region region = {0};
    assert_null(region_alloc(&region, SIZE_MAX));
    assert_null(region_alloc(&region, SIZE_MAX - 8));
    assert_null(region_alloc(&region, SIZE_MAX / 2));
    char *kept = region_alloc(&region, 64);
    memset(kept, 'k', 64);
    assert_null(region_grow(&region, kept, 64, SIZE_MAX));
    assert_null(region_grow(&region, kept, 64, SIZE_MAX / 2 - 64));
    assert_int_equal(kept[63], 'k');
    region_free(&region);
    region_free(&region);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces_are_apart), cmocka_unit_test(test_empty_pieces_are_distinct),
        cmocka_unit_test(test_first_block),      cmocka_unit_test(test_grow),
        cmocka_unit_test(test_resize),           cmocka_unit_test(test_limit),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
