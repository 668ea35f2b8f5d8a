/* What must hold for every row: known values, symmetries, ends, and Benjamini and Hochberg's rule by its definition. */
#include "diff/significance.h"

#include <math.h>
#include <stdlib.h>

#include "base/rand.h"
#include "tests/support/unit.h"

static const double rate = 1 << 19;

/* So many samples of objects that are small against the rate, or of `slot` bytes. */
static struct estimate samples_of(double count, double slot) {
    double p = -expm1(-slot / rate);
    return (struct estimate){.value = count * slot / p,
                             .variance = count * slot * slot * (1 - p) / (p * p),
                             .samples = count,
                             .rate = rate,
                             .density = 1};
}

static struct estimate small(double count) { return samples_of(count, 1e-6 * rate); }

static void expect_near(double value, double expected, double bound) {
    if (!(fabs(value - expected) <= bound * fabs(expected)))
        fail_msg("%.12g instead of %.12g", value, expected);
}

static struct significance judge_two(struct estimate old, struct estimate new) {
    return significance_of_two(&old, &new, 0.95);
}

/* Of equal weights the test is the exact conditional binomial one: 2 P(Bin(all, 1 / 2) >= larger). */
static void test_is_the_exact_binomial(void **state) {
    (void)state;
    for (int less = 0; less <= 12; less++)
        for (int more = less + 1; more <= 30; more++) {
            double tail = 0;
            for (int k = more; k <= less + more; k++)
                tail +=
                    exp(lgamma(less + more + 1) - lgamma(k + 1) - lgamma(less + more - k + 1)) * pow(0.5, less + more);
            struct significance change = judge_two(small(less), small(more));
            expect_near(change.p, fmin(1, 2 * tail), 1e-4);
            expect_near(change.least_p, pow(0.5, less + more - 1), 1e-4);
            expect_near(change.more_count, more, 1e-5);
        }
}

/* Garwood's limits of a count: of 10 they are 4.795 and 18.39; of 0 the upper is 3.689, ln(40). */
static void test_limits_are_of_garwood(void **state) {
    (void)state;
    struct estimate nothing = estimate_exact(0);
    struct significance ten = judge_two(nothing, small(10)), none = judge_two(nothing, small(0));
    expect_near(ten.low / rate, 4.795389, 1e-5);
    expect_near(ten.high / rate, 18.390356, 1e-5);
    expect_near(none.high / rate, log(40), 1e-9);
    assert_true(none.low == 0 && none.p == 1);
}

/* Of many samples it is the normal test, and the interval the usual one. */
static void test_many_are_normal(void **state) {
    (void)state;
    struct estimate old = samples_of(40000, rate / 2), new = samples_of(41000, rate / 2);
    struct significance change = judge_two(old, new);
    double error = sqrt(old.variance + new.variance), z = (new.value - old.value) / error;
    expect_near(change.p, erfc(z * M_SQRT1_2), 0.02);
    expect_near(change.high - change.delta, 1.959964 * error, 0.005);
    expect_near(change.delta - change.low, 1.959964 * error, 0.005);
}

static struct estimate any_estimate(struct rand_state *rand) {
    struct estimate sum = small((double)rand_below(rand, 12));
    struct estimate large = samples_of((double)rand_below(rand, 5), rate * exp2(4 * rand_unit(rand) - 3));
    return estimate_sum(&sum, &large);
}

/* Swapped sides, another unit, and interval and test at one confidence. */
static void test_symmetries(void **state) {
    (void)state;
    struct rand_state rand;
    rand_seed(&rand, 4);
    for (int i = 0; i < 3000; i++) {
        struct estimate old = any_estimate(&rand), new = any_estimate(&rand);
        struct significance change = judge_two(old, new), back = judge_two(new, old);
        struct estimate old_scaled = estimate_scale(&old, 3), new_scaled = estimate_scale(&new, 3);
        struct significance scaled = judge_two(old_scaled, new_scaled);
        assert_true(change.p == back.p && change.low == -back.high && change.high == -back.low);
        expect_near(scaled.p, change.p, 1e-9);
        expect_near(scaled.high, 3 * change.high, 1e-9);
        assert_true(change.low <= change.delta && change.delta <= change.high);
        assert_true(change.least_p <= change.p && change.p <= 1);
        if (change.delta != 0)
            assert_true((change.p <= 0.05) == (change.low >= 0 || change.high <= 0) || change.low == 0 ||
                        change.high == 0);
        assert_true(significance_of_two(&old, &new, 0).p == change.p);
    }
}

/* Files may say anything: of all magnitudes there is a p, and an interval around the change. */
static void test_all_magnitudes(void **state) {
    (void)state;
    struct rand_state rand;
    rand_seed(&rand, 8);
    for (int i = 0; i < 20000; i++) {
        struct estimate sides[2];
        for (int side = 0; side < 2; side++) {
            double value = rand_below(&rand, 5) ? exp2(80 * rand_unit(&rand) - 10) : 0;
            sides[side] = (struct estimate){.value = rand_below(&rand, 20) ? value : -value,
                                            .variance = rand_below(&rand, 4) ? exp2(150 * rand_unit(&rand) - 20) : 0,
                                            .samples = 1,
                                            .rate = rand_below(&rand, 4) ? exp2(62 * rand_unit(&rand)) : 0,
                                            .density = rand_below(&rand, 2) ? 1 : exp2(-40 * rand_unit(&rand))};
        }
        struct significance change = judge_two(sides[0], sides[1]);
        if (!(change.p >= 0 && change.p <= 1 && change.least_p >= 0 && change.least_p <= change.p))
            fail_msg("p is %g, the least %g", change.p, change.least_p);
        if (!(change.low <= change.delta && change.delta <= change.high))
            fail_msg("%g is not in %g to %g", change.delta, change.low, change.high);
    }
}

static void test_exact_and_unknown(void **state) {
    (void)state;
    struct significance change = judge_two(estimate_exact(640), estimate_exact(641));
    assert_true(change.test == SIGNIFICANCE_EXACT && change.p == 0 && change.low == 1 && change.high == 1);
    change = judge_two(estimate_exact(640), estimate_exact(640));
    assert_true(change.test == SIGNIFICANCE_EXACT && change.p == 1 && change.low == 0);
    struct estimate odd = small(3);
    odd.unknown = 1;
    change = judge_two(odd, small(30));
    assert_true(change.test == SIGNIFICANCE_UNKNOWN && isnan(change.p) && isinf(change.low) && isinf(change.high));
    for (int test = SIGNIFICANCE_UNKNOWN; test <= SIGNIFICANCE_RUNS_NORMAL; test++)
        assert_non_null(significance_test_name((enum significance_test)test));
}

/* One sample of a tiny object stands for many, so a side of large ones does not speak against it. */
static void test_objects_of_other_sizes(void **state) {
    (void)state;
    struct estimate large = estimate_none((uint64_t)rate), tiny = large;
    struct estimate_bucket one_large = {.samples = 1, .objects = 1.2, .variance_objects = 0.2, .is_known = true};
    struct estimate_bucket one_tiny = {
        .samples = 1, .objects = 32768.5, .variance_objects = 32768.0 * 32768, .is_known = true};
    estimate_add_objects(&large, 1, 1 << 20, &one_large);
    estimate_add_objects(&tiny, 32768, 16, &one_tiny);
    assert_true(judge_two(large, tiny).p > 0.9);
}

static struct significance judge_process(const struct significance_process *row, enum significance_view view) {
    return significance_of_process(row, view, 0.95);
}

/* What lives in both cancels: a thousand samples that stayed and ten that came are ten against none. */
static void test_one_process(void **state) {
    (void)state;
    struct significance_process row = {small(1000), small(1010), small(1000), small(1010), 1, 1};
    struct significance change = judge_process(&row, SIGNIFICANCE_INUSE), alone = judge_two(small(0), small(10));
    assert_true(change.test == SIGNIFICANCE_PROCESS);
    expect_near(change.p, alone.p, 1e-6);
    expect_near(change.high, alone.high, 1e-6);
    /* Twenty were allocated, so ten were freed, of whatever age: twenty against ten. */
    row.alloc_new = small(1020);
    change = judge_process(&row, SIGNIFICANCE_INUSE), alone = judge_two(small(10), small(20));
    expect_near(change.p, alone.p, 1e-6);
    expect_near(change.low, alone.low, 1e-6);
    /* A million were, but no more than a thousand of those that lived can be gone. */
    row.alloc_new = small(1e6);
    change = judge_process(&row, SIGNIFICANCE_INUSE), alone = judge_two(small(1000), small(1010));
    expect_near(change.p, alone.p, 1e-6);
    /* What was allocated is what was allocated. */
    row.inuse_new = small(990);
    row.alloc_new = small(1003);
    change = judge_process(&row, SIGNIFICANCE_ALLOC), alone = judge_two(estimate_exact(0), small(3));
    assert_true(change.test == SIGNIFICANCE_GROWTH && change.p == 0);
    expect_near(change.low, alone.low, 1e-6);
    expect_near(change.high, alone.high, 1e-6);
    /* Nothing happened, but for the last digit. */
    row = (struct significance_process){small(7), small(7), small(9), small(9), 1, 1};
    row.alloc_new.value += 1;
    assert_true(judge_process(&row, SIGNIFICANCE_ALLOC).p == 1 && judge_process(&row, SIGNIFICANCE_INUSE).p == 1);
    row.inuse_old.unknown = 1;
    assert_true(isnan(judge_process(&row, SIGNIFICANCE_ALLOC).p));
}

/* Without alloc columns the two profiles are as those of two processes. */
static void test_process_without_allocations(void **state) {
    (void)state;
    struct significance_process row = {small(40), small(60), small(0), small(0), 1, 1};
    struct significance change = judge_process(&row, SIGNIFICANCE_INUSE), two = judge_two(small(40), small(60));
    assert_true(change.test == SIGNIFICANCE_COUNTS && change.p == two.p && change.low == two.low);
    row = (struct significance_process){small(4), small(6), small(70), small(60), 1, 1};
    change = judge_process(&row, SIGNIFICANCE_ALLOC), two = judge_two(small(70), small(60));
    assert_true(change.test == SIGNIFICANCE_COUNTS && change.p == two.p && change.delta == two.delta);
}

/* Normalized by another factor on each side, what lives in both does not cancel. */
static void test_normalized_process(void **state) {
    (void)state;
    struct significance_process row = {small(1000), small(1000), small(1000), small(1000), 1, 0.9};
    struct significance change = judge_process(&row, SIGNIFICANCE_INUSE);
    struct estimate stayed = small(1000), tenth = estimate_scale(&stayed, 0.1);
    expect_near(change.delta, -tenth.value, 1e-9);
    expect_near(change.less.variance, tenth.variance, 1e-9);
    row.scale_new = 1.1;
    change = judge_process(&row, SIGNIFICANCE_INUSE);
    expect_near(change.delta, tenth.value, 1e-9);
    expect_near(change.more.variance, tenth.variance, 1e-9);
}

static void test_runs(void **state) {
    (void)state;
    const double old[] = {10, 11, 12, 13}, new[] = {20, 21, 22, 23};
    struct significance change = significance_of_runs(old, 4, new, 4, 0.95);
    assert_true(change.test == SIGNIFICANCE_RUNS_EXACT && change.delta == 10);
    expect_near(change.p, 2.0 / 70, 1e-12);
    assert_true(significance_of_runs(old, 0, new, 4, 0.95).test == SIGNIFICANCE_UNKNOWN);
}

/* q of row i by definition: the least level at which the rule finds it. */
static double q_by_definition(const double *p, size_t count, size_t i) {
    double least = 1;
    for (size_t j = 0; j < count; j++) {
        double rank = 0;
        for (size_t k = 0; k < count; k++)
            rank += p[k] <= p[j];
        if (p[j] >= p[i])
            least = fmin(least, p[j] * (double)count / rank);
    }
    return least;
}

static void test_adjusted_by_definition(void **state) {
    (void)state;
    struct rand_state rand;
    rand_seed(&rand, 5);
    for (int round = 0; round < 200; round++) {
        double p[40], least[40] = {0}, q[40];
        size_t count = 1 + rand_below(&rand, 40);
        for (size_t i = 0; i < count; i++)
            p[i] = pow(ceil(rand_unit(&rand) * 20) / 20, 1 + (double)(i % 5));
        assert_true(significance_adjust(p, least, q, count, 0.05));
        for (size_t i = 0; i < count; i++)
            expect_near(q[i], q_by_definition(p, count, i), 1e-12);
    }
}

static void test_rows_that_cannot_be_found_do_not_count(void **state) {
    (void)state;
    const double p[] = {0.03, 1, 0.5, NAN, 0.04}, least[] = {1e-9, 0.5, 0.06, NAN, 1e-9};
    double q[5];
    assert_true(significance_adjust(p, least, q, 5, 0.05));
    expect_near(q[0], 0.04, 1e-12); /* 0.04 2 / 2, of the row after it */
    expect_near(q[4], 0.04, 1e-12);
    assert_true(q[1] == 1 && q[2] == 1 && isnan(q[3]));
    assert_true(significance_adjust(p, least, q, 0, 0.05));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_is_the_exact_binomial),
        cmocka_unit_test(test_limits_are_of_garwood),
        cmocka_unit_test(test_many_are_normal),
        cmocka_unit_test(test_symmetries),
        cmocka_unit_test(test_all_magnitudes),
        cmocka_unit_test(test_exact_and_unknown),
        cmocka_unit_test(test_objects_of_other_sizes),
        cmocka_unit_test(test_one_process),
        cmocka_unit_test(test_process_without_allocations),
        cmocka_unit_test(test_normalized_process),
        cmocka_unit_test(test_runs),
        cmocka_unit_test(test_adjusted_by_definition),
        cmocka_unit_test(test_rows_that_cannot_be_found_do_not_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
