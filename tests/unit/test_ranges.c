/* Address ranges against a plain scan, with nesting and overlap. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rand.h"
#include "symbolizer/ranges.h"

static void empty_and_single(void **state) {
    (void)state;
    struct ranges ranges = {0};
    assert_true(ranges_seal(&ranges));
    assert_null(ranges_find(&ranges, 5, NULL));
    ranges_free(&ranges);

    assert_true(ranges_add(&ranges, 10, 10, 1));
    assert_int_equal(ranges.count, 0);
    assert_true(ranges_add(&ranges, 10, 20, 7));
    assert_true(ranges_seal(&ranges));
    assert_null(ranges_find(&ranges, 9, NULL));
    assert_int_equal(ranges_find(&ranges, 10, NULL)->payload, 7);
    assert_int_equal(ranges_find(&ranges, 19, NULL)->payload, 7);
    assert_null(ranges_find(&ranges, 20, NULL));
    ranges_free(&ranges);
}

/* Every range that contains an address is found exactly once, from the greatest low downwards. */
static void random_against_a_scan(void **state) {
    (void)state;
    enum { COUNT = 300, SPACE = 2000 };
    struct rand_state rand;
    rand_seed(&rand, 42);
    struct ranges ranges = {0};
    uint64_t low[COUNT], high[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        low[i] = rand_below(&rand, SPACE);
        high[i] = low[i] + 1 + rand_below(&rand, i % 10 ? 20 : 400);
        assert_true(ranges_add(&ranges, low[i], high[i], i));
    }
    assert_true(ranges_seal(&ranges));
    for (uint64_t address = 0; address < SPACE + 500; address++) {
        size_t expected = 0, found = 0;
        for (size_t i = 0; i < COUNT; i++)
            expected += address >= low[i] && address < high[i];
        uint64_t previous_low = UINT64_MAX;
        for (const struct range *range = NULL; (range = ranges_find(&ranges, address, range)) != NULL; found++) {
            assert_true(low[range->payload] <= address && address < high[range->payload]);
            assert_true(range->low <= previous_low);
            previous_low = range->low;
        }
        assert_int_equal(found, expected);
    }
    ranges_free(&ranges);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(empty_and_single), cmocka_unit_test(random_against_a_scan)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
