/* Arithmetic on powers of two at its edges: zero, one, the top bit, and products that do not fit. */
#include "base/bits.h"
#include "tests/support/unit.h"

static void test_powers_of_two(void **state) {
    (void)state;
    assert_false(is_power_of_two(0));
    for (unsigned i = 0; i < 64; i++) {
        uint64_t power = 1ull << i;
        assert_true(is_power_of_two(power));
        assert_int_equal(ctz64(power), i);
        assert_int_equal(clz64(power), 63 - i);
        assert_int_equal(log2_floor(power), i);
        if (i > 1) {
            assert_false(is_power_of_two(power - 1));
            assert_false(is_power_of_two(power + 1));
            assert_int_equal(log2_floor(power - 1), i - 1);
        }
    }
    assert_int_equal(ctz64(0), 64);
    assert_int_equal(clz64(0), 64);
    assert_int_equal(log2_floor(UINT64_MAX), 63);
    assert_int_equal(popcount64(0), 0);
    assert_int_equal(popcount64(UINT64_MAX), 64);
    assert_int_equal(popcount64(0x8000000000000001ull), 2);
}

static void test_align(void **state) {
    (void)state;
    for (unsigned shift = 0; shift < 20; shift++) {
        uint64_t power = 1ull << shift;
        for (uint64_t x = 0; x < 300; x++) {
            uint64_t up = (x + power - 1) / power * power, down = x / power * power;
            assert_int_equal(align_up(x, power), up);
            assert_int_equal(align_down(x, power), down);
        }
    }
    assert_int_equal(align_down(UINT64_MAX, 4096), UINT64_MAX - 4095);
}

static void test_mul_fits(void **state) {
    (void)state;
    size_t out = 7;
    assert_true(mul_fits(0, SIZE_MAX, &out));
    assert_int_equal(out, 0);
    assert_true(mul_fits(1, SIZE_MAX, &out));
    assert_true(out == SIZE_MAX);
    assert_true(mul_fits((size_t)1 << 32, ((size_t)1 << 32) - 1, &out));
    assert_true(out == (((size_t)1 << 32) - 1) << 32);
    assert_false(mul_fits((size_t)1 << 32, (size_t)1 << 32, &out));
    assert_false(mul_fits(SIZE_MAX, 2, &out));
    assert_false(mul_fits(SIZE_MAX / 3 + 1, 3, &out));
}

/* hash64 is a bijection, so no two of many inputs may collide, and one bit must move about half the bits. */
static void test_hash_mixes(void **state) {
    (void)state;
    assert_int_equal(hash64(0), 0);
    unsigned flips = 0, pairs = 0;
    for (uint64_t x = 1; x < 2000; x++)
        for (unsigned bit = 0; bit < 64; bit += 7, pairs++) {
            unsigned distance = popcount64(hash64(x) ^ hash64(x ^ (1ull << bit)));
            assert_true(distance > 0);
            flips += distance;
        }
    assert_in_range(flips * 100ull / pairs, 3150, 3250);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_powers_of_two),
        cmocka_unit_test(test_align),
        cmocka_unit_test(test_mul_fits),
        cmocka_unit_test(test_hash_mixes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
