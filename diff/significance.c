/* Two independent estimates are compared in these steps:
 *   1. `unseen`, what one sample more would have added, from the rate of each side and the smallest objects of both;
 *   2. each side's gamma distributions from below and from above (significance.h); a side without variance is a point;
 *   3. p: of the draws X = w G(k) of two gamma variates, X_a / (X_a + X_b) is beta, so P(A < B) = I_x(k_a, k_b) with
 *      x = w_b / (w_a + w_b);
 *   4. the interval from the quantiles of the four distributions.
 *
 * In one process the files tell V_old and V_new, the variances of what lives at the two times, and V_a, that of what
 * was allocated between, a sum over samples each. Let V_gain be that of what was allocated between and lives still, and
 * V_loss that of what lived and does not any more. Samples that live in both are the same ones, so
 *     V_gain - V_loss = V_new - V_old                   exactly;
 *     V_loss <= V_old,  V_loss <= V_a - (V_new - V_old)   what went is not more than what there was, nor than all that
 * went. The lesser bound is taken for V_loss; so for the values and the counts. It holds for any sums, so for rows as
 * well. */
#include "diff/significance.h"

#include <math.h>
#include <stdlib.h>

#include "diff/distribution.h"
#include "diff/rank_test.h"

/* A confidence distribution: gamma, or the point `weight` where count is infinite. */
struct limit {
    double count, weight; /* shape and scale */
};

static bool is_point(struct limit limit) { return isinf(limit.count); }

static struct limit limit_of(double mean, double variance) {
    if (!(variance > 0) || !(mean > 0))
        return (struct limit){INFINITY, mean > 0 ? mean : 0};
    return (struct limit){mean * mean / variance, variance / mean};
}

static struct limit limit_below(const struct estimate *side) { return limit_of(side->value, side->variance); }

static struct limit limit_above(const struct estimate *side, double unseen) {
    return limit_of(side->value + unseen, side->variance + unseen * unseen);
}

static double quantile(struct limit limit, double probability) {
    return is_point(limit) ? limit.weight : limit.weight * distribution_gamma_quantile(limit.count, probability);
}

/* P(a < b). */
static double probability_less(struct limit a, struct limit b) {
    if (is_point(a) && is_point(b))
        return a.weight <= b.weight;
    if (is_point(a))
        return distribution_gamma_upper(b.count, a.weight / b.weight);
    if (is_point(b))
        return distribution_gamma(a.count, b.weight / a.weight);
    double sum = a.weight + b.weight;
    return distribution_beta(b.weight / sum, a.weight / sum, a.count, b.count);
}

/* Two estimates, the change being `more` - `less`. */
struct comparison {
    const struct estimate *less, *more;
    double less_unseen, more_unseen;
};

/* The objects of nearly exact rows are larger than the rate, and one that was missed is missed as a whole: limits that
 * know only mean and variance fall short of it. Of objects of x rates, x / (e^x - 1) is the variance by the value and
 * the rate; `missed` is how many were, in the mean. The two constants are the least that give every such row its
 * coverage (tests/model/test_significance.c counts all outcomes). */
static double unseen_of_large(const struct estimate *side, double unseen) {
    static const double share_of_object = 0.55, missed_enough = 0.02;
    double ratio = side->variance / side->value / unseen, x = 4;
    for (int i = 0; i < 12; i++)
        x = log1p(x / ratio);
    double object = x * unseen, missed = side->variance / (object * object);
    return fmax(unseen, share_of_object * object * fmin(1, missed / missed_enough));
}

static double unseen_of(const struct estimate *side, const struct estimate *other) {
    double unseen = side->rate * fmax(side->density, other->density);
    bool is_of_large = side->value > 0 && side->variance > 0 && side->variance < 0.35 * side->value * unseen;
    return is_of_large ? unseen_of_large(side, unseen) : unseen;
}

static struct comparison compare(const struct estimate *less, const struct estimate *more) {
    return (struct comparison){less, more, unseen_of(less, more), unseen_of(more, less)};
}

static double find_p(const struct comparison *pair) {
    const struct estimate *less = pair->less, *more = pair->more;
    double tail;
    if (more->value == less->value)
        return 1;
    if (more->value > less->value)
        tail = probability_less(limit_below(more), limit_above(less, pair->less_unseen));
    else
        tail = probability_less(limit_below(less), limit_above(more, pair->more_unseen));
    return fmin(1, 2 * tail);
}

/* Bytes or objects that one of the side's samples stands for. */
static double weight_of(const struct estimate *side, double unseen) {
    return side->value > 0 && side->variance > 0 ? side->variance / side->value : unseen;
}

static double count_of(const struct estimate *side, double unseen) {
    double weight = weight_of(side, unseen);
    return weight > 0 ? fmax(0, side->value) / weight : 0;
}

/* All of the samples on the side that would make it the more improbable. */
static double find_least_p(const struct comparison *pair) {
    double less = weight_of(pair->less, pair->less_unseen), more = weight_of(pair->more, pair->more_unseen);
    if (!(less > 0) || !(more > 0))
        return 0;
    double all = count_of(pair->less, pair->less_unseen) + count_of(pair->more, pair->more_unseen);
    return fmin(1, 2 * pow(fmin(less, more) / (less + more), all));
}

/* Zou and Donner's recovery of variance from the one-sample limits. */
static void find_interval(const struct comparison *pair, double confidence, struct significance *result) {
    double tail = (1 - confidence) / 2;
    double less = pair->less->value, more = pair->more->value;
    double less_low = fmin(less, quantile(limit_below(pair->less), tail));
    double more_low = fmin(more, quantile(limit_below(pair->more), tail));
    double less_high = fmax(less, quantile(limit_above(pair->less, pair->less_unseen), 1 - tail));
    double more_high = fmax(more, quantile(limit_above(pair->more, pair->more_unseen), 1 - tail));
    result->low = result->delta - hypot(more - more_low, less_high - less);
    result->high = result->delta + hypot(more_high - more, less - less_low);
    bool is_change = result->p <= 1 - confidence;
    if (result->delta > 0)
        result->low = is_change ? fmax(result->low, 0) : fmin(result->low, 0);
    if (result->delta < 0)
        result->high = is_change ? fmin(result->high, 0) : fmax(result->high, 0);
}

static struct significance unknown_change(double delta) {
    return (struct significance){
        .test = SIGNIFICANCE_UNKNOWN, .delta = delta, .low = -INFINITY, .high = INFINITY, .p = NAN, .least_p = NAN};
}

static struct significance decide(enum significance_test test, const struct estimate *less, const struct estimate *more,
                                  double confidence) {
    struct comparison pair = compare(less, more);
    double delta = more->value - less->value;
    struct significance result = {.test = test, .delta = delta, .low = delta, .high = delta};
    result.less = *less;
    result.more = *more;
    result.less_count = count_of(less, pair.less_unseen);
    result.more_count = count_of(more, pair.more_unseen);
    result.p = find_p(&pair);
    result.least_p = fmin(result.p, find_least_p(&pair));
    if (!(less->variance > 0) && !(more->variance > 0) && !(pair.less_unseen > 0) && !(pair.more_unseen > 0))
        result.test = SIGNIFICANCE_EXACT;
    else if (confidence > 0)
        find_interval(&pair, confidence, &result);
    return result;
}

struct significance significance_of_two(const struct estimate *old, const struct estimate *new, double confidence) {
    if (old->unknown > 0 || new->unknown > 0)
        return unknown_change(new->value - old->value);
    return decide(SIGNIFICANCE_COUNTS, old, new, confidence);
}

/* a - b, for sums of which b is a part but for rounding. */
static double part(double a, double b) { return a - b > 1e-9 * a ? a - b : 0; }

/* `whole` without `piece`. Without a sample the rest is what the writer rounded. */
static struct estimate without(const struct estimate *whole, const struct estimate *piece) {
    struct estimate rest = *whole;
    bool is_some = whole->samples - piece->samples > 0.5;
    rest.value = is_some ? part(whole->value, piece->value) : 0;
    rest.variance = is_some ? part(whole->variance, piece->variance) : 0;
    rest.samples = is_some ? part(whole->samples, piece->samples) : 0;
    return rest;
}

/* The same rate on both sides, or the larger one: they are samples of one process. */
static struct estimate least_of(const struct estimate *a, const struct estimate *b) {
    struct estimate least = *a;
    least.value = fmin(a->value, b->value);
    least.variance = fmin(a->variance, b->variance);
    least.samples = fmin(a->samples, b->samples);
    least.rate = fmax(a->rate, b->rate);
    least.density = fmax(a->density, b->density);
    return least;
}

/* k_new new - k_old old, where new = stayed + gain and old = stayed + loss: what stayed counts on the side of the
 * larger factor, by the difference of both. */
static struct significance decide_parts(enum significance_test test, const struct significance_process *row,
                                        const struct estimate *stayed, const struct estimate *loss,
                                        const struct estimate *gain, double confidence) {
    struct estimate less = estimate_scale(loss, row->scale_old), more = estimate_scale(gain, row->scale_new);
    struct estimate still = estimate_scale(stayed, fabs(row->scale_new - row->scale_old));
    if (row->scale_new > row->scale_old)
        more = estimate_sum(&more, &still);
    else if (row->scale_new < row->scale_old)
        less = estimate_sum(&less, &still);
    return decide(test, &less, &more, confidence);
}

static double unknown_of(const struct significance_process *row) {
    return row->inuse_old.unknown + row->inuse_new.unknown + row->alloc_old.unknown + row->alloc_new.unknown;
}

/* Nothing lives that was not allocated, and what was allocated stays so. A file without the alloc columns, or filtered
 * in one of them, tells nothing of what came and went. */
static bool is_consistent(const struct significance_process *row) {
    return row->alloc_old.samples > row->inuse_old.samples - 0.5 &&
           row->alloc_new.samples > row->inuse_new.samples - 0.5 &&
           row->alloc_new.samples > row->alloc_old.samples - 0.5;
}

struct significance significance_of_process(const struct significance_process *row, enum significance_view view,
                                            double confidence) {
    bool is_alloc = view == SIGNIFICANCE_ALLOC;
    const struct estimate *old = is_alloc ? &row->alloc_old : &row->inuse_old;
    const struct estimate *new = is_alloc ? &row->alloc_new : &row->inuse_new;
    if (unknown_of(row) > 0)
        return unknown_change(new->value * row->scale_new - old->value * row->scale_old);
    struct estimate nothing = {0}, allocated = without(&row->alloc_new, &row->alloc_old);
    if (!is_consistent(row)) /* the bound of two processes: all went, and all came */
        return decide_parts(SIGNIFICANCE_COUNTS, row, &nothing, old, new, confidence);
    if (is_alloc)
        return decide_parts(SIGNIFICANCE_GROWTH, row, old, &nothing, &allocated, confidence);
    /* What was freed between, of whatever age. */
    struct estimate before = estimate_sum(&row->inuse_old, &allocated);
    struct estimate freed = without(&before, &row->inuse_new);
    struct estimate loss = least_of(&row->inuse_old, &freed);
    struct estimate stayed = without(&row->inuse_old, &loss);
    struct estimate gain = without(&row->inuse_new, &stayed);
    return decide_parts(SIGNIFICANCE_PROCESS, row, &stayed, &loss, &gain, confidence);
}

struct significance significance_of_runs(const double *old, size_t old_count, const double *new, size_t new_count,
                                         double confidence) {
    struct rank_test ranks;
    if (!old_count || !new_count || !rank_test(old, old_count, new, new_count, confidence, &ranks))
        return unknown_change(NAN);
    return (struct significance){
        .test = ranks.is_exact ? SIGNIFICANCE_RUNS_EXACT : SIGNIFICANCE_RUNS_NORMAL,
        .delta = ranks.shift,
        .low = ranks.low,
        .high = ranks.high,
        .p = ranks.p,
        .least_p = ranks.least_p,
        .less_count = (double)old_count,
        .more_count = (double)new_count,
    };
}

struct ordered {
    double p;
    size_t row;
};

static int by_p(const void *a, const void *b) {
    const struct ordered *left = a, *right = b;
    return (left->p > right->p) - (left->p < right->p);
}

bool significance_adjust(const double *p, const double *least_p, double *q, size_t count, double level) {
    struct ordered *order = malloc((count + 1) * sizeof *order);
    size_t rows = 0;
    if (!order)
        return false;
    for (size_t i = 0; i < count; i++) {
        q[i] = isnan(p[i]) ? NAN : 1;
        if (!isnan(p[i]) && least_p[i] <= level)
            order[rows++] = (struct ordered){p[i], i};
    }
    qsort(order, rows, sizeof *order, by_p);
    double least = 1;
    for (size_t i = rows; i-- > 0;) {
        least = fmin(least, order[i].p * (double)rows / (double)(i + 1));
        q[order[i].row] = least;
    }
    free(order);
    return true;
}

const char *significance_test_name(enum significance_test test) {
    static const char *const names[] = {
        [SIGNIFICANCE_UNKNOWN] = "none: the samples cannot be read back",
        [SIGNIFICANCE_EXACT] = "none: both sides are exact",
        [SIGNIFICANCE_COUNTS] = "two independent counts",
        [SIGNIFICANCE_PROCESS] = "same process: what came against what went",
        [SIGNIFICANCE_GROWTH] = "same process: what was allocated between",
        [SIGNIFICANCE_RUNS_EXACT] = "Mann-Whitney, exact",
        [SIGNIFICANCE_RUNS_NORMAL] = "Mann-Whitney, normal approximation",
    };
    return names[test];
}
