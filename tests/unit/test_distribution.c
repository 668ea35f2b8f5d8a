/* Against reference values, and against each other where there are none. */
#include "diff/distribution.h"

#include <math.h>

#include "tests/support/unit.h"
#include "tests/unit/distribution_cases.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static double worst;

/* Relative, but for what no double tells from 0. */
static void expect_near(const char *what, double a, double b, double value, double expected, double bound) {
    double error = fabs(value - expected) / fmax(fabs(expected), 1e-290);
    worst = fmax(worst, error);
    if (!(error <= bound))
        fail_msg("%s of %.17g, %.17g is %.17g, not %.17g: off by %.1e", what, a, b, value, expected, error);
}

static void test_normal(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(normal_cases); i++)
        expect_near("normal", normal_cases[i].x, 0, distribution_normal(normal_cases[i].x), normal_cases[i].lower,
                    1e-13);
    for (double p = 1e-12; p < 1; p = p < 0.01 ? p * 3 : p + 0.01)
        expect_near("its quantile's normal", p, 0, distribution_normal(distribution_normal_quantile(p)), p, 1e-12);
    expect_near("quantile", 0.975, 0, distribution_normal_quantile(0.975), 1.959963984540054, 1e-14);
}

static void test_gamma(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(gamma_cases); i++) {
        const struct gamma_case *row = &gamma_cases[i];
        /* A tail that is the difference of a large part from 1 has no more digits than that. */
        double bound = row->shape > 1e3 ? 2e-9 : 1e-11;
        expect_near("gamma", row->shape, row->x, distribution_gamma(row->shape, row->x), row->lower, bound);
        expect_near("upper gamma", row->shape, row->x, distribution_gamma_upper(row->shape, row->x), row->upper, bound);
    }
}

static void test_gamma_quantile(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(quantile_cases); i++) {
        const struct quantile_case *row = &quantile_cases[i];
        expect_near("quantile", row->shape, row->probability, distribution_gamma_quantile(row->shape, row->probability),
                    row->x, 1e-9);
    }
    for (double shape = 1e-3; shape < 1e15; shape *= 7)
        for (double p = 1e-7; p < 1; p = p < 0.1 ? p * 5 : p + 0.1) {
            double x = distribution_gamma_quantile(shape, p);
            if (x > 1e-290)
                expect_near("gamma at its quantile", shape, p, distribution_gamma(shape, x), p,
                            shape < 1e9 ? 1e-9 : 1e-5);
        }
    /* Twice the quantile of half the degrees. */
    expect_near("chi2", 2, 0.95, distribution_chi2_quantile(2, 0.95), -2 * log(0.05), 1e-12);
}

static void test_beta(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(beta_cases); i++) {
        const struct beta_case *row = &beta_cases[i];
        double bound = row->a > 1e4 && row->b > 1e4 ? 1e-5 : 1e-9;
        expect_near("beta", row->a, row->b, distribution_beta(row->x, row->y, row->a, row->b), row->lower, bound);
        if (row->lower > 1e-3)
            expect_near("beta from the other end", row->a, row->b,
                        1 - distribution_beta(row->y, row->x, row->b, row->a), row->lower, bound);
    }
}

/* P(Bin(n, x) >= a) = I_x(a, n - a + 1). */
static void test_beta_is_a_binomial_tail(void **state) {
    (void)state;
    for (int n = 1; n <= 60; n += 7)
        for (int a = 1; a <= n; a++)
            for (double x = 0.03; x < 1; x += 0.13) {
                double tail = 0;
                for (int k = a; k <= n; k++)
                    tail += exp(lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) + k * log(x) + (n - k) * log1p(-x));
                expect_near("binomial", n, a, distribution_beta(x, 1 - x, a, n - a + 1), tail, 1e-10);
            }
}

static void test_ends(void **state) {
    (void)state;
    assert_true(distribution_gamma(3, 0) == 0 && distribution_gamma_upper(3, 0) == 1);
    assert_true(distribution_gamma(3, INFINITY) == 1 && distribution_gamma_upper(3, INFINITY) == 0);
    assert_true(distribution_beta(0, 1, 2, 3) == 0 && distribution_beta(1, 0, 2, 3) == 1);
    assert_true(distribution_gamma(1e12, 1e11) == 0 && distribution_gamma_upper(1e12, 1e11) == 1);
    assert_true(distribution_beta(1e-9, 1 - 1e-9, 1e9, 1e9) == 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_normal),
        cmocka_unit_test(test_gamma),
        cmocka_unit_test(test_gamma_quantile),
        cmocka_unit_test(test_beta),
        cmocka_unit_test(test_beta_is_a_binomial_tail),
        cmocka_unit_test(test_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
