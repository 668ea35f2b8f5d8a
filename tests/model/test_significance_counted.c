/* The diff's intervals and tests, counted: for objects of one size the probabilities of all outcomes are known, so the
 * coverage of an interval and the error of a test are sums, without chance. One estimate, and the difference of two,
 * from nothing to tens of samples, of objects of which nearly none to nearly all are recorded.
 *
 * What it prints is what docs/significance.md quotes; the simulations are in test_significance.c. */
#include "diff/significance.h"

#include <math.h>

#include "tests/support/sampled_rows.h"
#include "tests/support/unit.h"

static const double confidences[] = {0.8, 0.95, 0.99};

enum { CONFIDENCES = 3 };

static double binomial(int n, int k, double p) {
    double ways = lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1);
    return exp(ways + (k ? k * log(p) : 0) + (n > k ? (n - k) * log1p(-p) : 0));
}

/* n samples of objects that are recorded with probability p, in bytes. */
static struct estimate counted_estimate(int n, double p) {
    double rate = 1 << 20, slot = -log1p(-p) * rate;
    return (struct estimate){
        .value = n * slot / p, .variance = slot * slot * n * (1 - p) / p / p, .samples = n, .rate = rate, .density = 1};
}

static double counted_truth(int objects, double p) { return objects * -log1p(-p) * (1 << 20); }

static double one_coverage(int objects, double p, double confidence) {
    double truth = counted_truth(objects, p), coverage = 0;
    struct estimate nothing = {0};
    for (int n = 0; n <= objects; n++) {
        struct estimate one = counted_estimate(n, p);
        struct significance change = significance_of_two(&nothing, &one, confidence);
        coverage += covers(change.low, change.high, truth) ? binomial(objects, n, p) : 0;
    }
    return coverage;
}

/* All outcomes of two rows, up to so many samples in each. */
enum { OUTCOMES = 72 };

struct outcome {
    double low, high, p;
};

static struct outcome outcomes[OUTCOMES][OUTCOMES];

static void find_outcomes(const double *p, double confidence) {
    for (int i = 0; i < OUTCOMES; i++)
        for (int j = 0; j < OUTCOMES; j++) {
            struct estimate old = counted_estimate(i, p[0]), new = counted_estimate(j, p[1]);
            struct significance change = significance_of_two(&old, &new, confidence);
            outcomes[i][j] = (struct outcome){change.low, change.high, change.p};
        }
}

struct counted {
    double coverage, rejected;
};

static struct counted two_coverage(const int *objects, const double *p, double confidence) {
    double truth = counted_truth(objects[1], p[1]) - counted_truth(objects[0], p[0]);
    double probability[2][OUTCOMES];
    struct counted sum = {0, 0};
    for (int side = 0; side < 2; side++)
        for (int n = 0; n < OUTCOMES; n++)
            probability[side][n] = n <= objects[side] ? binomial(objects[side], n, p[side]) : 0;
    for (int i = 0; i < OUTCOMES; i++)
        for (int j = 0; j < OUTCOMES; j++) {
            const struct outcome *outcome = &outcomes[i][j];
            double of_both = probability[0][i] * probability[1][j];
            sum.coverage += covers(outcome->low, outcome->high, truth) ? of_both : 0;
            sum.rejected += outcome->p <= 1 - confidence ? of_both : 0;
        }
    return sum;
}

static const double shares[] = {0.01, 0.3, 0.632, 0.8, 0.9, 0.97, 0.99, 0.9999};

enum { SHARES = sizeof shares / sizeof *shares };

/* The worst case is a little below the nominal one, where an object more or less is a step. */
static void test_counted_one(void **state) {
    (void)state;
    const double floors[] = {0.72, 0.944, 0.988};
    for (int c = 0; c < CONFIDENCES; c++) {
        double worst = 1, worst_small = 1;
        for (int i = 0; i < SHARES; i++)
            for (int expected = 1; expected <= 64; expected++) {
                double coverage = one_coverage((int)ceil(expected / shares[i]), shares[i], confidences[c]);
                worst = fmin(worst, coverage);
                worst_small = shares[i] < 0.5 ? fmin(worst_small, coverage) : worst_small;
            }
        print_message("one estimate, counted: %g%% cover at least %.2f%%, of objects below the rate %.2f%%\n",
                      100 * confidences[c], 100 * worst, 100 * worst_small);
        assert_true(worst >= floors[c]);
        assert_true(worst_small >= confidences[c] - 0.006);
    }
}

struct worst_of_two {
    double coverage, rejected, sum;
    int cases;
};

/* All pairs of a few truths, of objects of which these parts are recorded. */
static void count_pairs(const double *p, double confidence, struct worst_of_two *worst) {
    static const double expected[] = {0, 0.5, 1, 2, 4, 8, 14, 20};
    find_outcomes(p, confidence);
    for (int k = 0; k < 64; k++) {
        int objects[] = {(int)ceil(expected[k / 8] / p[0]), (int)ceil(expected[k % 8] / p[1])};
        struct counted result = two_coverage(objects, p, confidence);
        worst->coverage = fmin(worst->coverage, result.coverage);
        worst->sum += result.coverage;
        worst->cases++;
        if (p[0] == p[1] && objects[0] == objects[1])
            worst->rejected = fmax(worst->rejected, result.rejected);
    }
}

static void test_counted_two(void **state) {
    (void)state;
    const double floors[] = {0.785, 0.95, 0.98};
    for (int c = 0; c < CONFIDENCES; c++) {
        struct worst_of_two worst = {.coverage = 1};
        for (int i = 0; i < SHARES; i++)
            for (int j = i; j < SHARES; j += 2)
                count_pairs((double[]){shares[i], shares[j]}, confidences[c], &worst);
        print_message(
            "difference of two, counted: %g%% cover at least %.2f%%, in the mean %.2f%%; equal ones are told apart "
            "in at most %.2f%%\n",
            100 * confidences[c], 100 * worst.coverage, 100 * worst.sum / worst.cases, 100 * worst.rejected);
        assert_true(worst.coverage >= floors[c]);
        assert_true(worst.rejected <= 1 - confidences[c]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counted_one),
        cmocka_unit_test(test_counted_two),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
