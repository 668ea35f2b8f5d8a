/* Against all orders, counted one by one. */
#include "diff/rank_test.h"

#include <math.h>
#include <stdlib.h>

#include "base/rand.h"
#include "diff/distribution.h"
#include "tests/support/unit.h"

enum { MOST = 12 };

static double u_of(const double *first, int m, const double *second, int n) {
    double u = 0;
    for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++)
            u += second[j] > first[i] ? 1 : second[j] == first[i] ? 0.5 : 0;
    return u;
}

/* Of all ways to deal the numbers out, twice the part that is as far out on the nearer side. */
static double p_by_dealing(const double *all, int m, int n) {
    double at = u_of(all, m, all + m, n), below = 0, above = 0, ways = 0;
    for (unsigned set = 0; set < 1u << (m + n); set++) {
        double groups[2][MOST];
        int counts[2] = {0, 0};
        if (__builtin_popcount(set) != n)
            continue;
        for (int i = 0; i < m + n; i++) {
            int group = set >> i & 1;
            groups[group][counts[group]++] = all[i];
        }
        double u = u_of(groups[0], m, groups[1], n);
        ways++;
        below += u <= at;
        above += u >= at;
    }
    return fmin(1, 2 * fmin(below, above) / ways);
}

static void expect_as_dealt(const double *all, int m, int n) {
    struct rank_test result;
    assert_true(rank_test(all, (size_t)m, all + m, (size_t)n, 0.95, &result));
    double expected = p_by_dealing(all, m, n);
    assert_true(result.is_exact && result.u == u_of(all, m, all + m, n));
    if (fabs(result.p - expected) > 1e-12)
        fail_msg("%d and %d: p is %.15g, dealt %.15g", m, n, result.p, expected);
    assert_true(result.least_p <= result.p + 1e-12 || result.p == 1);
}

static void test_as_dealt(void **state) {
    (void)state;
    struct rand_state rand;
    rand_seed(&rand, 1);
    for (int round = 0; round < 150; round++) {
        double all[MOST];
        int m = 1 + (int)rand_below(&rand, 6), n = 1 + (int)rand_below(&rand, 6);
        /* Of few different numbers there are ties. */
        uint64_t range = round % 3 == 0 ? 3 : round % 3 == 1 ? 8 : 1000000;
        for (int i = 0; i < m + n; i++)
            all[i] = (double)rand_below(&rand, range) + (i < m ? 0 : (double)(range / 4));
        expect_as_dealt(all, m, n);
    }
}

/* Too many numbers with ties to count all orders: the normal approximation, against orders dealt by chance. */
static void test_many_ties(void **state) {
    (void)state;
    enum { M = 16, N = 14, DEALS = 40000 };
    struct rand_state rand;
    rand_seed(&rand, 6);
    for (int round = 0; round < 4; round++) {
        double all[M + N];
        struct rank_test result;
        /* Mostly zeros: without its correction for ties the variance would be twice as large. */
        for (int i = 0; i < M + N; i++)
            all[i] =
                rand_below(&rand, 10) < (i < M ? 2u : 5u + (unsigned)round) ? (double)(1 + rand_below(&rand, 2)) : 0;
        assert_true(rank_test(all, M, all + M, N, 0, &result) && !result.is_exact);
        double off = fabs(result.u - M * N / 2.0), as_far = 0;
        for (int deal = 0; deal < DEALS; deal++) {
            for (int i = M + N - 1; i > 0; i--) {
                size_t other = rand_below(&rand, (uint64_t)i + 1);
                double swap = all[i];
                all[i] = all[other];
                all[other] = swap;
            }
            as_far += fabs(u_of(all, M, all + M, N) - M * N / 2.0) >= off - 1e-9;
        }
        double dealt = (as_far + 1) / DEALS;
        if (!(result.p > 0.6 * dealt - 0.001 && result.p < 1.5 * dealt + 0.001))
            fail_msg("p is %g, dealt %g", result.p, dealt);
    }
}

/* Published: four against four, all above, is 2 / 70; three against three 2 / 20. */
static void test_least_p(void **state) {
    (void)state;
    const double low[] = {1, 2, 3, 4}, high[] = {10, 11, 12, 13};
    struct rank_test result;
    assert_true(rank_test(low, 4, high, 4, 0.95, &result));
    assert_true(fabs(result.p - 2.0 / 70) < 1e-12 && fabs(result.least_p - result.p) < 1e-12);
    assert_true(result.shift == 9 && result.low == 6 && result.high == 12);
    assert_true(rank_test(low, 3, high, 3, 0.95, &result));
    assert_true(fabs(result.p - 0.1) < 1e-12 && isinf(result.low) && isinf(result.high));
    assert_true(rank_test(high, 4, low, 4, 0, &result));
    assert_true(result.shift == -9 && result.low == -9 && result.high == -9 && fabs(result.p - 2.0 / 70) < 1e-12);
}

static void test_all_equal(void **state) {
    (void)state;
    double equal[80] = {0};
    struct rank_test result;
    assert_true(rank_test(equal, 5, equal, 5, 0.95, &result));
    assert_true(result.p == 1 && result.shift == 0 && result.low == 0 && result.high == 0);
    assert_true(rank_test(equal, 40, equal, 40, 0.95, &result));
    assert_true(result.p == 1 && !result.is_exact);
}

static double draw(struct rand_state *rand) { return log(rand_unit(rand)) - log(rand_unit(rand)); }

/* The normal approximation takes over where the exact count ends: neighbours agree. */
static void test_methods_agree(void **state) {
    (void)state;
    struct rand_state rand;
    rand_seed(&rand, 2);
    for (int round = 0; round < 50; round++) {
        double all[52];
        struct rank_test exact, normal;
        for (int i = 0; i < 52; i++)
            all[i] = draw(&rand) + (i < 26 ? 0 : 0.5);
        assert_true(rank_test(all, 25, all + 26, 25, 0.95, &exact) && exact.is_exact);
        all[25] = all[24] + 1e-9;
        all[51] = all[50] + 1e-9;
        assert_true(rank_test(all, 26, all + 26, 26, 0.95, &normal) && !normal.is_exact);
        double exact_z = distribution_normal_quantile(exact.p / 2),
               normal_z = distribution_normal_quantile(normal.p / 2);
        assert_true(fabs(exact_z - normal_z) < 0.45);
        assert_true(fabs(exact.low - normal.low) < 0.4 && fabs(exact.high - normal.high) < 0.4);
    }
}

/* The interval of the shift covers it as often as it says, and excludes 0 as often as p does. */
static void test_interval(void **state) {
    (void)state;
    enum { ROUNDS = 4000 };
    const size_t sizes[][2] = {{4, 4}, {5, 7}, {10, 10}, {30, 30}};
    struct rand_state rand;
    rand_seed(&rand, 3);
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        int covered = 0, rejected = 0;
        for (int round = 0; round < ROUNDS; round++) {
            double first[30], second[30];
            struct rank_test result;
            for (int i = 0; i < 30; i++) {
                first[i] = draw(&rand);
                second[i] = draw(&rand) + 2;
            }
            assert_true(rank_test(first, sizes[s][0], second, sizes[s][1], 0.95, &result));
            covered += result.low <= 2 && 2 <= result.high;
            for (int i = 0; i < 30; i++)
                second[i] -= 2;
            assert_true(rank_test(first, sizes[s][0], second, sizes[s][1], 0.95, &result));
            rejected += result.p <= 0.05;
            assert_true((result.p <= 0.05) == (result.low > 0 || result.high < 0));
        }
        double error = 3 * sqrt(0.05 * 0.95 * ROUNDS);
        assert_true(covered >= 0.95 * ROUNDS - error && rejected <= 0.05 * ROUNDS + error);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_dealt),  cmocka_unit_test(test_least_p),       cmocka_unit_test(test_all_equal),
        cmocka_unit_test(test_many_ties), cmocka_unit_test(test_methods_agree), cmocka_unit_test(test_interval),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
