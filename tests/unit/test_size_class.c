/* Every request size has the smallest class that holds it, at the alignment that it needs, in spans that
 * waste no more than the table may. */
#include "alloc/size_class.h"

#include "tests/support/unit.h"

static void test_smallest_class(void **state) {
    (void)state;
    unsigned wanted = 1;
    for (size_t n = 0; n <= SIZE_CLASS_MAX; n++) {
        while (size_classes[wanted].size < n)
            wanted++;
        assert_int_equal(size_class_of(n), wanted);
        if (n <= SIZE_CLASS_SMALL_MAX)
            assert_int_equal(size_class_of_small(n), wanted);
    }
    assert_int_equal(wanted, SIZE_CLASS_COUNT - 1);
    assert_int_equal(size_classes[wanted].size, SIZE_CLASS_MAX);
}

static void test_classes(void **state) {
    (void)state;
    for (unsigned class = 1; class < SIZE_CLASS_COUNT; class ++) {
        const struct size_class *c = &size_classes[class];
        assert_true(class == 1 || c->size > c[-1].size);
        assert_int_equal(c->size % (c->size >= 16 ? 16 : 8), 0);
        for (uint32_t offset = 0; offset < SIZE_CLASS_SPAN_MOST; offset++)
            if (size_class_index(offset, c->inverse) != (offset % c->size ? UINT32_MAX : offset / c->size))
                fail_msg("class %u: offset %u", class, offset);
        uint32_t bytes = c->pages << HEAP_PAGE_SHIFT;
        assert_in_range(bytes % c->size, 0, bytes / 8);
        /* A request of the class wastes at most what lies between it and the class below: 12.5% above 128
         * bytes. */
        if (c[-1].size >= 128)
            assert_in_range(c->size - c[-1].size, 1, c->size / 6);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_smallest_class), cmocka_unit_test(test_classes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
