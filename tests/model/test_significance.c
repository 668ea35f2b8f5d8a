/* The diff's intervals and verdicts are as good as they say. Three kinds of proof:
 *
 *   counted     for one size of objects the probabilities of all outcomes are known, so the coverage of the interval
 * and the error of the test are sums, without chance: one estimate, and the difference of two; simulated   rows of
 * mixed sizes, of two processes and of one that goes on, at four rates, through the rounding of a writer and back; and
 * whole profiles of hundreds of rows for what a reader sees of them; planted     the same simulations with a mistake in
 * them must fail.
 *
 * What it prints is what docs/significance.md quotes. */
#include "diff/significance.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/sampled_rows.h"
#include "tests/support/sanitized.h"
#include "tests/support/unit.h"

enum { RUNS = 2000 / SANITIZED_STRIDE, PROFILE_RUNS = 300 / SANITIZED_STRIDE };

static const double confidences[] = {0.8, 0.95, 0.99};

enum { CONFIDENCES = 3, DEFAULT = 1 };

/* ---- counted ---- */

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

static bool covers(double low, double high, double truth) {
    double slack = 1e-9 * (fabs(truth) + fabs(low) + fabs(high)) + 1e-6;
    return truth >= low - slack && truth <= high + slack;
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
enum { OUTCOMES = 100 };

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

static const double shares[] = {0.01, 0.3, 0.632, 0.9, 0.97, 0.99, 0.9999};

enum { SHARES = sizeof shares / sizeof *shares };

/* The worst case is a little below the nominal one, where an object more or less is a step. */
static void test_counted_one(void **state) {
    (void)state;
    const double floors[] = {0.72, 0.944, 0.988};
    for (int c = 0; c < CONFIDENCES; c++) {
        double worst = 1, worst_small = 1;
        for (int i = 0; i < SHARES; i++)
            for (int expected = 1; expected <= 80; expected += 1 + expected / 8) {
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
    static const double expected[] = {0, 0.5, 1, 2, 4, 8, 15, 30};
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
            for (int j = i; j < SHARES; j++)
                count_pairs((double[]){shares[i], shares[j]}, confidences[c], &worst);
        print_message(
            "difference of two, counted: %g%% cover at least %.2f%%, in the mean %.2f%%; equal ones are told apart "
            "in at most %.2f%%\n",
            100 * confidences[c], 100 * worst.coverage, 100 * worst.sum / worst.cases, 100 * worst.rejected);
        assert_true(worst.coverage >= floors[c]);
        assert_true(worst.rejected <= 1 - confidences[c]);
    }
}

/* ---- simulated rows ---- */

enum fault {
    NO_FAULT,
    WHOLE_VARIANCE, /* without (1 - p) */
    ONE_SIDED,      /* p not doubled */
    NOTHING_UNSEEN, /* a side without samples is nothing at all */
    TAKEN_AS_TWO,   /* a process's two profiles as those of two */
    TAKEN_AS_ONE,   /* two processes' as those of one */
    HALF_CHURN,     /* the bound on what came and went is halved */
    NOT_ADJUSTED,   /* every row by itself */
};

static const uint64_t rates[] = {1, 128, 4096, 512 * 1024};

enum { RATES = sizeof rates / sizeof *rates };

/* stayed, lost, gained, both between, freed before; of two processes lost is OLD and gained is NEW. */
static const struct row_plan two_plans[] = {
    {"few small", false, {{1.0 / 64, {0, 3, 5}}}},
    {"one each", false, {{1.0 / 64, {0, 1, 1}}}},
    {"OLD empty", false, {{1.0 / 64, {0, 0, 4}}}},
    {"NEW empty", false, {{1.0 / 16, {0, 8, 0}}}},
    {"thirty, same", false, {{1.0 / 64, {0, 30, 30}}}},
    {"few large", false, {{2, {0, 5, 8}}}},
    {"few nearly exact", false, {{5, {0, 12, 9}}}},
    {"nearly exact", false, {{7, {0, 300, 200}}}},
    {"mixed, few", false, {{1.0 / 64, {0, 5, 6}}, {1, {0, 3, 2}}, {4, {0, 2, 1}}}},
    {"mixed, against", false, {{1.0 / 64, {0, 20, 3}}, {3, {0, 5, 14}}}},
    {"many small, same", true, {{1.0 / 64, {0, 2500, 2500}}}},
    {"many small, grown", true, {{1.0 / 64, {0, 2000, 3000}}}},
    {"many large", true, {{2, {0, 2500, 2600}}}},
    {"many mixed", true, {{1.0 / 64, {0, 1200, 800}}, {0.5, {0, 800, 1200}}, {3, {0, 900, 900}}}},
};

static const struct row_plan process_plans[] = {
    {"nothing new", false, {{1.0 / 64, {100, 0, 0, 0, 50}}}},
    {"only allocated and freed", false, {{1.0 / 64, {100, 0, 0, 200, 50}}}},
    {"growth", false, {{1.0 / 64, {200, 0, 50, 0, 0}}}},
    {"shrunk", false, {{1.0 / 64, {60, 40, 0, 0, 0}}}},
    {"replaced", false, {{1.0 / 64, {20, 100, 100, 0, 0}}}},
    {"replaced, many", false, {{1.0 / 64, {100, 1000, 1000, 0, 0}}}},
    {"exchange", false, {{1.0 / 64, {100, 5, 5, 1000, 50}}}},
    {"few", false, {{1.0 / 64, {1, 1, 2, 1, 0}}}},
    {"gone", false, {{1.0 / 64, {0, 5, 0, 0, 3}}}},
    {"new", false, {{1.0 / 64, {0, 0, 5, 3, 0}}}},
    {"small gain, large loss", false, {{1.0 / 64, {10, 0, 10, 2, 0}}, {2, {20, 10, 0, 5, 0}}}},
    {"mixed", false, {{1.0 / 64, {40, 10, 15, 20, 5}}, {0.5, {10, 8, 3, 5, 0}}, {4, {6, 2, 3, 4, 1}}}},
};

enum { TWO_PLANS = sizeof two_plans / sizeof *two_plans, PROCESS_PLANS = sizeof process_plans / sizeof *process_plans };

/* How the runs of a scenario are compared. */
struct method {
    bool is_process, of_bytes, by_bytes_gap;
    enum significance_view view;
    double scale_old, scale_new;
    enum fault fault;
};

struct tally {
    int runs, covered[CONFIDENCES], rejected;
    bool inexact;
};

static struct estimate spoil(struct estimate estimate, const struct row *row, enum fault fault) {
    double slot = (double)row->classes[0].slot;
    if (fault == WHOLE_VARIANCE && row->rate > 1)
        estimate.variance /= exp(-slot / (double)row->rate);
    if (fault == NOTHING_UNSEEN)
        estimate.density = estimate.rate = 0;
    return estimate;
}

static struct significance_process in_process(const struct row *row, const struct method *method) {
    enum fault fault = method->fault;
    struct significance_process all = {
        .inuse_old = spoil(row_estimate(row, INUSE_OLD, method->of_bytes), row, fault),
        .inuse_new = spoil(row_estimate(row, INUSE_NEW, method->of_bytes), row, fault),
        .alloc_old = spoil(row_estimate(row, ALLOC_OLD, method->of_bytes), row, fault),
        .alloc_new = spoil(row_estimate(row, ALLOC_NEW, method->of_bytes), row, fault),
        .scale_old = method->scale_old,
        .scale_new = method->scale_new,
    };
    if (fault == HALF_CHURN) {
        all.alloc_new.variance -= (all.alloc_new.variance - all.alloc_old.variance) / 2;
        all.alloc_new.value -= (all.alloc_new.value - all.alloc_old.value) / 2;
    }
    return all;
}

static struct significance judge(const struct significance_process *all, const struct method *method,
                                 double confidence) {
    struct significance change;
    if (method->is_process != (method->fault == TAKEN_AS_TWO || method->fault == TAKEN_AS_ONE)) {
        change = significance_of_process(all, method->view, confidence);
    } else {
        struct estimate old = estimate_scale(&all->inuse_old, method->scale_old);
        struct estimate new = estimate_scale(&all->inuse_new, method->scale_new);
        change = significance_of_two(&old, &new, confidence);
    }
    if (method->fault == ONE_SIDED)
        change.p /= 2;
    return change;
}

static double true_change(const struct row *row, const struct method *method) {
    bool is_alloc = method->view == SIGNIFICANCE_ALLOC;
    return method->scale_new * row_truth(row, is_alloc ? ALLOC_NEW : INUSE_NEW, method->of_bytes) -
           method->scale_old * row_truth(row, is_alloc ? ALLOC_OLD : INUSE_OLD, method->of_bytes);
}

static void observe(struct tally *tally, const struct significance_process *all, const struct method *method,
                    double truth) {
    for (int c = 0; c < CONFIDENCES; c++) {
        struct significance change = judge(all, method, confidences[c]);
        tally->covered[c] += covers(change.low, change.high, truth);
        tally->inexact |= change.low != change.high;
        if (c == DEFAULT)
            tally->rejected += change.p <= 1 - confidences[c];
    }
    tally->runs++;
}

static struct tally simulate(const struct row_plan *plan, uint64_t rate, const struct method *method, uint64_t seed) {
    struct tally tally = {0};
    struct rand_state rand;
    struct row row;
    rand_seed(&rand, seed);
    row_build(&row, plan, rate);
    double truth = true_change(&row, method);
    for (int run = 0; run < (rate > 1 ? RUNS : 4); run++) {
        row.is_cut = run % 2;
        if (method->by_bytes_gap)
            row_sample_by_bytes(&row, &rand);
        else
            row_sample(&row, &rand);
        struct significance_process all = in_process(&row, method);
        /* Without a sample there is no row. */
        if (all.alloc_new.samples > 0)
            observe(&tally, &all, method, truth);
    }
    return tally;
}

static double three_errors(double share, int runs) { return 3 * sqrt(share * (1 - share) / runs); }

/* What is wrong; NULL when nothing is. */
static const char *find_wrong(const struct row_plan *plan, const struct tally *tally, uint64_t rate, bool is_same) {
    if (rate <= 1)
        return tally->inexact || tally->covered[DEFAULT] < tally->runs ? "not exact" : NULL;
    for (int c = 0; c < CONFIDENCES; c++) {
        double covered = (double)tally->covered[c] / tally->runs, error = three_errors(confidences[c], tally->runs);
        if (covered < confidences[c] - error)
            return "too few intervals cover the truth";
        if (plan->is_large && covered > confidences[c] + error)
            return "too many intervals cover the truth";
    }
    double level = 1 - confidences[DEFAULT], rejected = (double)tally->rejected / tally->runs;
    if (is_same && rejected > level + three_errors(level, tally->runs))
        return "what is the same is told apart too often";
    return NULL;
}

struct summary {
    double worst[CONFIDENCES], sum[CONFIDENCES];
    int count;
};

static void summarize(struct summary *summary, const struct tally *tally) {
    for (int c = 0; c < CONFIDENCES; c++) {
        double covered = (double)tally->covered[c] / tally->runs;
        summary->worst[c] = summary->count ? fmin(summary->worst[c], covered) : covered;
        summary->sum[c] += covered;
    }
    summary->count++;
}

static void print_summary(const char *name, const struct summary *summary) {
    print_message("%-34s", name);
    for (int c = 0; c < CONFIDENCES; c++)
        print_message("  %g%%: %.1f, least %.1f", 100 * confidences[c], 100 * summary->sum[c] / summary->count,
                      100 * summary->worst[c]);
    print_message("\n");
}

static bool is_same_truth(const struct row_plan *plan, uint64_t rate, const struct method *method) {
    struct row row;
    row_build(&row, plan, rate);
    return true_change(&row, method) == 0;
}

/* The name of the first scenario that is wrong; NULL when none is. */
static const char *run_plans(const struct row_plan *plans, size_t count, const struct method *method, bool is_quiet,
                             const char *title) {
    struct summary summary = {0};
    static char text[200];
    for (size_t i = 0; i < count; i++)
        for (int r = 0; r < RATES; r += method->of_bytes && method->scale_new == 1 ? 1 : 2) {
            if (method->by_bytes_gap && plans[i].is_large)
                continue;
            struct tally tally = simulate(&plans[i], rates[r], method, 1000 * i + (uint64_t)r + 1);
            const char *wrong = find_wrong(&plans[i], &tally, rates[r], is_same_truth(&plans[i], rates[r], method));
            if (wrong) {
                snprintf(text, sizeof text, "%s, %s at %llu: %s: %d %d %d of %d cover, %d are told apart", title,
                         plans[i].name, (unsigned long long)rates[r], wrong, tally.covered[0], tally.covered[1],
                         tally.covered[2], tally.runs, tally.rejected);
                return text;
            }
            if (rates[r] > 1)
                summarize(&summary, &tally);
        }
    if (!is_quiet)
        print_summary(title, &summary);
    return NULL;
}

static void expect_right(const struct row_plan *plans, size_t count, const struct method *method, const char *title) {
    const char *wrong = run_plans(plans, count, method, false, title);
    if (wrong)
        fail_msg("%s", wrong);
}

static void test_two_processes(void **state) {
    (void)state;
    struct method bytes = {.of_bytes = true, .scale_old = 1, .scale_new = 1}, objects = bytes, gaps = bytes,
                  scaled = bytes;
    objects.of_bytes = false;
    gaps.by_bytes_gap = true;
    scaled.scale_new = 1.7;
    expect_right(two_plans, TWO_PLANS, &bytes, "two processes, bytes");
    expect_right(two_plans, TWO_PLANS, &objects, "two processes, objects");
    expect_right(two_plans, TWO_PLANS, &gaps, "two processes, one gap in bytes");
    expect_right(two_plans, TWO_PLANS, &scaled, "two processes, NEW times 1.7");
}

static void test_one_process(void **state) {
    (void)state;
    struct method inuse = {.is_process = true, .of_bytes = true, .scale_old = 1, .scale_new = 1};
    struct method objects = inuse, alloc = inuse, more = inuse, less = inuse, alloc_less = inuse;
    objects.of_bytes = false;
    alloc.view = SIGNIFICANCE_ALLOC;
    more.scale_new = 1.5;
    less.scale_new = 0.4;
    alloc_less.view = SIGNIFICANCE_ALLOC;
    alloc_less.scale_new = 0.4;
    expect_right(process_plans, PROCESS_PLANS, &inuse, "one process, inuse bytes");
    expect_right(process_plans, PROCESS_PLANS, &objects, "one process, inuse objects");
    expect_right(process_plans, PROCESS_PLANS, &alloc, "one process, alloc bytes");
    expect_right(process_plans, PROCESS_PLANS, &more, "one process, NEW times 1.5");
    expect_right(process_plans, PROCESS_PLANS, &less, "one process, NEW times 0.4");
    expect_right(process_plans, PROCESS_PLANS, &alloc_less, "one process, alloc times 0.4");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counted_one),
        cmocka_unit_test(test_counted_two),
        cmocka_unit_test(test_two_processes),
        cmocka_unit_test(test_one_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
