/* Against libm, which the library itself may not use. */
#include "profiler/elementary.h"

#include <math.h>

#include "base/rand.h"
#include "tests/support/unit.h"

static void test_log(void **state) {
    struct rand_state rand;
    (void)state;
    rand_seed(&rand, 1);
    assert_true(elementary_log(1) == 0);
    assert_true(fabs(elementary_log(0x1p-53) - log(0x1p-53)) < 1e-14);
    for (int i = 0; i < 1000000; i++) {
        double x = rand_unit(&rand);
        assert_true(fabs(elementary_log(x) - log(x)) < 1e-14);
        x = ldexp(x, (int)rand_below(&rand, 116) - 53);
        assert_true(fabs(elementary_log(x) - log(x)) < 1e-14 * (1 + fabs(log(x))));
    }
}

static void test_one_minus_exp(void **state) {
    struct rand_state rand;
    (void)state;
    rand_seed(&rand, 2);
    assert_true(elementary_one_minus_exp(0) == 0);
    assert_true(elementary_one_minus_exp(1e9) == 1);
    for (int i = 0; i < 1000000; i++) {
        double x = ldexp(rand_unit(&rand), (int)rand_below(&rand, 60) - 50);
        assert_true(fabs(elementary_one_minus_exp(x) / -expm1(-x) - 1) < 1e-13);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_log), cmocka_unit_test(test_one_minus_exp)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
