/* Numbers as a table shows them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/wrap.h"
#include "cli/quantity.h"

static char out[QUANTITY_SIZE];

static void bytes(void **state) {
    (void)state;
    const struct {
        int64_t value;
        const char *text;
    } rows[] = {{0, "0"},
                {1023, "1023"},
                {1024, "1.00Ki"},
                {1290, "1.26Ki"},
                {10240, "10Ki"},
                {655360, "640Ki"},
                {1048575, "1.00Mi"},
                {12697600, "12.1Mi"},
                {-7864320, "-7.50Mi"},
                {1023 * 1024 + 300, "1023Ki"},
                {INT64_MAX, "8.00Ei"},
                {INT64_MIN, "-8.00Ei"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_string_equal(quantity_format(out, QUANTITY_BYTES, rows[i].value, false), rows[i].text);
    assert_string_equal(quantity_format(out, QUANTITY_BYTES, 5, true), "+5");
    assert_string_equal(quantity_format(out, QUANTITY_BYTES, 0, true), "0");
}

static void counts_and_times(void **state) {
    (void)state;
    assert_string_equal(quantity_format(out, QUANTITY_COUNT, 9999, false), "9999");
    assert_string_equal(quantity_format(out, QUANTITY_COUNT, 12345, false), "12.3k");
    assert_string_equal(quantity_format(out, QUANTITY_COUNT, 999960, false), "1.00M");
    assert_string_equal(quantity_format(out, QUANTITY_NANOSECONDS, 512, false), "512ns");
    assert_string_equal(quantity_format(out, QUANTITY_NANOSECONDS, 1500000, false), "1.50ms");
    assert_string_equal(quantity_format(out, QUANTITY_NANOSECONDS, 90000000000, false), "90.0s");
    assert_string_equal(quantity_duration(out, 300000000000), "5m 0s");
    assert_string_equal(quantity_duration(out, -3661000000000), "-1h 1m");
    assert_string_equal(quantity_duration(out, 1500000000), "2s");
    assert_int_equal(quantity_kind_of("bytes"), QUANTITY_BYTES);
    assert_int_equal(quantity_kind_of("widgets"), QUANTITY_COUNT);
}

static void changes(void **state) {
    (void)state;
    assert_string_equal(quantity_change(out, 100, 162), "+62%");
    assert_string_equal(quantity_change(out, 1000, 996), "-0.4%");
    assert_string_equal(quantity_change(out, 0, 5), "[NEW]");
    assert_string_equal(quantity_change(out, 5, 0), "[DEL]");
    assert_string_equal(quantity_change(out, 5, 5), "");
    assert_string_equal(quantity_change(out, 1, INT64_MAX), ">+99999%");
    assert_string_equal(quantity_change(out, -100, -50), "+50%");
    assert_string_equal(quantity_share(out, 1, 3), "33.3%");
    assert_string_equal(quantity_share(out, 3, 3), "100%");
    assert_string_equal(quantity_share(out, 3, 0), "");
}

static void sums_wrap(void **state) {
    (void)state;
    assert_int_equal(wrap_add(INT64_MAX, 1), INT64_MIN);
    assert_int_equal(wrap_subtract(INT64_MIN, 1), INT64_MAX);
    assert_true(wrap_magnitude(INT64_MIN) == (uint64_t)1 << 63);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes),
        cmocka_unit_test(counts_and_times),
        cmocka_unit_test(changes),
        cmocka_unit_test(sums_wrap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
