/* One ceiling for all tables; areas that grow without moving. */
#include "profiler/table_memory.h"

#include <pthread.h>

#include "base/atomic.h"
#include "base/os.h"
#include "tests/support/unit.h"

static void test_ceiling(void **state) {
    (void)state;
    table_memory_set_limit(1 << 20);
    void *half = table_memory_alloc(1 << 19);
    assert_non_null(half);
    assert_null(table_memory_alloc((1 << 19) + 1));
    assert_null(table_memory_alloc((size_t)1 << 40));
    assert_int_equal(table_memory_used(), 1 << 19);
    void *rest = table_memory_alloc(1 << 19);
    assert_non_null(rest);
    assert_null(table_memory_alloc(1));
    table_memory_free(half, 1 << 19);
    table_memory_free(rest, 1 << 19);
    assert_int_equal(table_memory_used(), 0);
}

static void test_area_grows_in_place(void **state) {
    struct table_area area = {0};
    (void)state;
    table_memory_set_limit(1 << 20);
    assert_true(table_area_reach(&area, 1));
    char *base = area.base;
    size_t size = area.ready;
    base[size - 1] = 7;
    while (size < 1 << 20) {
        assert_true(table_area_reach(&area, size + 1));
        assert_ptr_equal(area.base, base);
        assert_true(area.ready > size);
        size = area.ready;
        base[size - 1] = 7;
    }
    assert_false(table_area_reach(&area, size + 1));
    assert_true(table_area_reach(&area, size));
    assert_int_equal(table_memory_used(), size);
    table_area_free(&area);
    assert_int_equal(table_memory_used(), 0);
}

enum { CEILING = 1 << 20, PIECE = 3 << 18, TURNS = 1000000 };

static _Atomic uint32_t at_work;

static void *ask_in_vain(void *unused) {
    for (int i = 0; i < TURNS; i++)
        assert_null(table_memory_alloc(PIECE));
    atomic_sub_release(&at_work, 1);
    return unused;
}

/* What is refused never counts, not for a moment. */
static void test_nobody_sees_more_than_the_ceiling(void **state) {
    pthread_t threads[2];
    (void)state;
    table_memory_set_limit(CEILING);
    void *piece = table_memory_alloc(PIECE);
    assert_non_null(piece);
    atomic_store_relaxed(&at_work, 2);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_in_vain, NULL), 0);
    while (atomic_load_acquire(&at_work))
        assert_int_equal(table_memory_used(), PIECE);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    table_memory_free(piece, PIECE);
    assert_int_equal(table_memory_used(), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ceiling),
        cmocka_unit_test(test_area_grows_in_place),
        cmocka_unit_test(test_nobody_sees_more_than_the_ceiling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
