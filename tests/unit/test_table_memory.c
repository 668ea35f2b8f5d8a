/* One ceiling for all tables; areas that grow without moving. */
#include "profiler/table_memory.h"

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

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_ceiling), cmocka_unit_test(test_area_grows_in_place)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
