/* The diff's intervals and verdicts are as good as they say, by simulation: rows of mixed sizes, of two processes and
 * of one that goes on, at four rates, through the rounding of a writer and back; whole profiles of hundreds of rows for
 * what a reader sees of them; and what must be found. At the end mistakes are planted, and the same simulations must
 * see each.
 *
 * What it prints is what docs/significance.md quotes. Rows of one size are counted without chance in
 * test_significance_counted.c. */
#include "diff/significance.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/sampled_rows.h"
#include "tests/support/unit.h"

enum { RUNS = 2000, PROFILE_RUNS = 200, CALIBRATIONS = 5 * RUNS };

static const double confidences[] = {0.8, 0.95, 0.99};

enum { CONFIDENCES = 3, DEFAULT = 1 };

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
    {"many small, same", true, {{1.0 / 64, {0, 1000, 1000}}}},
    {"many small, grown", true, {{1.0 / 64, {0, 800, 1200}}}},
    {"many large", true, {{2, {0, 1000, 1040}}}},
    {"many mixed", true, {{1.0 / 64, {0, 500, 350}}, {0.5, {0, 350, 500}}, {3, {0, 400, 400}}}},
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
};

static const struct row_plan process_plans[] = {
    {"nothing new", false, {{1.0 / 64, {100, 0, 0, 0, 50}}}},
    {"only allocated and freed", false, {{1.0 / 64, {100, 0, 0, 200, 50}}}},
    {"growth", false, {{1.0 / 64, {200, 0, 50, 0, 0}}}},
    {"shrunk", false, {{1.0 / 64, {60, 40, 0, 0, 0}}}},
    {"replaced", false, {{1.0 / 64, {20, 100, 100, 0, 0}}}},
    {"replaced, many", false, {{1.0 / 64, {100, 500, 500, 0, 0}}}},
    {"exchange", false, {{1.0 / 64, {100, 5, 5, 300, 50}}}},
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
    if (fault == TAKEN_AS_ONE) {
        all.alloc_old = all.inuse_old;
        all.alloc_new = row_estimate(row, INUSE_NEW, method->of_bytes);
    }
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

/* ---- whole profiles ---- */

enum { ROWS = 400, CHANGED_EVERY = 5, LEAVES_OF_CUM = 8, CUM_ROWS = ROWS / LEAVES_OF_CUM, ALL_ROWS = ROWS + CUM_ROWS };

/* Sizes from 1/512 to 4 rates, a fifth of a sample to 300, as skewed as profiles are. */
static void plan_row(struct row_plan *plan, struct rand_state *rand) {
    *plan = (struct row_plan){.name = "any"};
    for (int i = 0; i < (int)rand_below(rand, SIZES_MOST) + 1; i++) {
        plan->sizes[i].slot = exp2(-9 + 11 * rand_unit(rand));
        plan->sizes[i].expected[LOST] = plan->sizes[i].expected[GAINED] = 0.2 * pow(1500, rand_unit(rand));
    }
}

struct profile_rows {
    struct row_plan plans[ROWS];
    struct row rows[ROWS];
    bool is_changed[ALL_ROWS];
    double p[ALL_ROWS], least_p[ALL_ROWS], q[ALL_ROWS];
};

/* In two processes; in one the same objects come and go, and as many stay. */
static void plan_profile(struct profile_rows *profile, bool is_process, bool with_changes, uint64_t rate) {
    struct rand_state rand;
    rand_seed(&rand, 77);
    memset(profile, 0, sizeof *profile);
    for (int i = 0; i < ROWS; i++) {
        struct row_plan *plan = &profile->plans[i];
        plan_row(plan, &rand);
        double factor = with_changes && i % CHANGED_EVERY == 0 ? (i % 2 ? 0.5 : 2) : 1;
        for (int k = 0; k < SIZES_MOST; k++) {
            plan->sizes[k].expected[GAINED] *= factor;
            plan->sizes[k].expected[STAYED] = is_process ? plan->sizes[k].expected[LOST] : 0;
            plan->sizes[k].expected[BOTH_BETWEEN] = is_process && i % 3 ? plan->sizes[k].expected[LOST] : 0;
        }
        row_build(&profile->rows[i], plan, rate);
        profile->is_changed[i] =
            row_truth(&profile->rows[i], INUSE_NEW, true) != row_truth(&profile->rows[i], INUSE_OLD, true);
        profile->is_changed[ROWS + i / LEAVES_OF_CUM] |= profile->is_changed[i];
    }
}

static void add_process(struct significance_process *sum, const struct significance_process *part) {
    sum->inuse_old = estimate_sum(&sum->inuse_old, &part->inuse_old);
    sum->inuse_new = estimate_sum(&sum->inuse_new, &part->inuse_new);
    sum->alloc_old = estimate_sum(&sum->alloc_old, &part->alloc_old);
    sum->alloc_new = estimate_sum(&sum->alloc_new, &part->alloc_new);
}

static void judge_row(struct profile_rows *profile, int row, const struct significance_process *all,
                      const struct method *method) {
    struct significance change = judge(all, method, 0);
    bool is_there = all->alloc_new.samples > 0;
    profile->p[row] = is_there ? change.p : NAN;
    profile->least_p[row] = is_there ? change.least_p : NAN;
}

/* Samples, judges and adjusts all rows, and those that are sums of others. */
static void judge_profile(struct profile_rows *profile, const struct method *method, struct rand_state *rand,
                          bool with_cum) {
    struct significance_process cum = {0};
    for (int i = 0; i < ROWS; i++) {
        row_sample(&profile->rows[i], rand);
        struct significance_process all = in_process(&profile->rows[i], method);
        judge_row(profile, i, &all, method);
        if (i % LEAVES_OF_CUM == 0)
            cum = (struct significance_process){.scale_old = 1, .scale_new = 1};
        add_process(&cum, &all);
        judge_row(profile, ROWS + i / LEAVES_OF_CUM, &cum, method);
    }
    int count = with_cum ? ALL_ROWS : ROWS;
    if (method->fault == NOT_ADJUSTED)
        memcpy(profile->q, profile->p, sizeof profile->q);
    else
        assert_true(significance_adjust(profile->p, profile->least_p, profile->q, (size_t)count, 0.05));
}

/* Over many pairs of profiles. */
struct discoveries {
    double shown, told_apart, by_themselves; /* rows; by q; by p alone */
    double false_share, false_squares;       /* of the discoveries, summed over the pairs */
    double changed, found;                   /* rows that have changed, of 30 samples and more */
};

static void observe_profile(const struct profile_rows *profile, bool with_cum, struct discoveries *sum) {
    double told = 0, wrong = 0;
    for (int i = 0; i < (with_cum ? ALL_ROWS : ROWS); i++) {
        if (isnan(profile->p[i]))
            continue;
        bool is_told = profile->q[i] <= 0.05;
        sum->shown++;
        sum->by_themselves += profile->p[i] <= 0.05;
        told += is_told;
        wrong += is_told && !profile->is_changed[i];
        if (i < ROWS && profile->is_changed[i] && profile->plans[i].sizes[0].expected[LOST] >= 30) {
            sum->changed++;
            sum->found += is_told;
        }
    }
    double share = told > 0 ? wrong / told : 0;
    sum->told_apart += told;
    sum->false_share += share / PROFILE_RUNS;
    sum->false_squares += share * share / PROFILE_RUNS;
}

static struct discoveries discover(const struct method *method, bool with_changes, bool with_cum) {
    static struct profile_rows profile;
    struct discoveries sum = {0};
    struct rand_state rand;
    rand_seed(&rand, 5);
    plan_profile(&profile, method->is_process, with_changes, 512 * 1024);
    for (int run = 0; run < PROFILE_RUNS; run++) {
        judge_profile(&profile, method, &rand, with_cum);
        observe_profile(&profile, with_cum, &sum);
    }
    return sum;
}

/* Whether more than a twentieth of the discoveries is false, beyond chance. */
static bool has_too_many_false(const struct discoveries *sum) {
    double variance = sum->false_squares - sum->false_share * sum->false_share;
    return sum->false_share > 0.05 + 3 * sqrt(fmax(variance, 0.05 * 0.95) / PROFILE_RUNS);
}

static void expect_few_false(bool is_process, bool with_cum, const char *title) {
    const struct method method = {.is_process = is_process, .of_bytes = true, .scale_old = 1, .scale_new = 1};
    struct discoveries same = discover(&method, false, with_cum), changed = discover(&method, true, with_cum);
    print_message(
        "%s: of what is the same %.3f%% is told apart (%.1f%% by p alone); a fifth doubled or halved: %.1f%% of "
        "the discoveries false, %.0f%% of the rows from 30 samples found\n",
        title, 100 * same.told_apart / same.shown, 100 * same.by_themselves / same.shown, 100 * changed.false_share,
        100 * changed.found / changed.changed);
    assert_true(same.told_apart <= 0.05 * same.shown);
    assert_true(same.by_themselves <= 0.05 * same.shown);
    assert_false(has_too_many_false(&same));
    assert_false(has_too_many_false(&changed));
    assert_true(changed.found > 0.5 * changed.changed);
}

static void test_profiles(void **state) {
    (void)state;
    expect_few_false(false, false, "two processes");
    expect_few_false(false, true, "two processes, with cum rows");
    expect_few_false(true, false, "one process");
}

/* ---- what must be found ---- */

static double share_found(const struct row_plan *plan, const struct method *method) {
    /* As one of a thousand rows: q <= 0.05 needs p <= 0.05 / 1000 at worst. */
    struct rand_state rand;
    struct row row;
    int found = 0;
    rand_seed(&rand, 9);
    row_build(&row, plan, 512 * 1024);
    for (int run = 0; run < RUNS; run++) {
        row_sample(&row, &rand);
        struct significance_process all = in_process(&row, method);
        found += judge(&all, method, 0.95).p <= 0.05 / 1000;
    }
    return (double)found / RUNS;
}

static const struct row_plan doubled = {"100 MiB doubled", false, {{1.0 / 4096, {0, 200, 400}}}};
static const struct row_plan grown = {"32 MiB more of a GiB", false, {{1.0 / 4096, {2048, 0, 64}}}};

static void test_power(void **state) {
    (void)state;
    struct method two = {.of_bytes = true, .scale_old = 1, .scale_new = 1}, one = two;
    one.is_process = true;
    double in_two = share_found(&doubled, &two), in_one = share_found(&grown, &one);
    print_message(
        "found among a thousand rows: 100 MiB that doubled %.1f%%, 32 MiB more of a GiB in one process %.1f%%\n",
        100 * in_two, 100 * in_one);
    assert_true(in_two > 0.99 && in_one > 0.99);
}

/* ---- the sum against an exact total ---- */

static void test_calibration(void **state) {
    (void)state;
    const struct row_plan plan = {"all", false, {{1.0 / 64, {0, 900, 0}}, {0.5, {0, 400, 0}}, {4, {0, 50, 0}}}};
    struct rand_state rand;
    struct row row;
    int wrong = 0, missed = 0;
    rand_seed(&rand, 3);
    row_build(&row, &plan, 512 * 1024);
    struct estimate total = estimate_exact(row_truth(&row, INUSE_OLD, true)), more = estimate_scale(&total, 1.15);
    for (int run = 0; run < CALIBRATIONS; run++) {
        row_sample(&row, &rand);
        struct estimate sampled = row_estimate(&row, INUSE_OLD, true);
        wrong += significance_of_two(&sampled, &total, 0.999).p <= 0.001;
        missed += significance_of_two(&sampled, &more, 0.999).p > 0.001;
    }
    assert_true(wrong <= CALIBRATIONS * (0.001 + three_errors(0.001, CALIBRATIONS)));
    assert_true(missed < 0.01 * CALIBRATIONS); /* 15%, about five standard errors */
}

/* ---- planted mistakes ---- */

static void expect_wrong(const struct row_plan *plans, size_t count, struct method method, enum fault fault,
                         const char *title) {
    method.fault = fault;
    const char *wrong = run_plans(plans, count, &method, true, title);
    print_message("planted: %s: %s\n", title, wrong ? wrong : "not seen");
    assert_non_null(wrong);
}

static void test_planted_mistakes(void **state) {
    (void)state;
    const struct method two = {.of_bytes = true, .scale_old = 1, .scale_new = 1};
    struct method one = two;
    one.is_process = true;
    expect_wrong(two_plans, TWO_PLANS, two, WHOLE_VARIANCE, "variance without (1 - p)");
    expect_wrong(two_plans, TWO_PLANS, two, ONE_SIDED, "one tail");
    expect_wrong(two_plans, TWO_PLANS, two, NOTHING_UNSEEN, "nothing unseen");
    expect_wrong(two_plans, TWO_PLANS, two, TAKEN_AS_ONE, "two processes taken as one");
    expect_wrong(process_plans, PROCESS_PLANS, one, HALF_CHURN, "half of what came and went");
    one.fault = TAKEN_AS_TWO;
    assert_true(share_found(&grown, &one) < 0.5);
    struct method by_itself = two;
    by_itself.fault = NOT_ADJUSTED;
    struct discoveries all = discover(&by_itself, false, false);
    assert_true(has_too_many_false(&all));
}

int main(void) {
    const struct CMUnitTest tests[] = {

        cmocka_unit_test(test_two_processes), cmocka_unit_test(test_one_process),
        cmocka_unit_test(test_profiles),      cmocka_unit_test(test_power),
        cmocka_unit_test(test_calibration),   cmocka_unit_test(test_planted_mistakes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
