/* The plan, once for a set of files, in the metric of the square roots of the weights:
 *   1. t is brought to [-1, 1] and made orthogonal to the level of each process: q1. The slope is q1 . y / |t|
 *   2. q2 is q1 * t made orthogonal to the levels and to q1, q3 is q2 * t ..., each twice, for rounding's sake
 *
 * One row: a pass for each bend, and two over the steps of each process for the sampling variance
 *     sum of gain_i lever_i^2                    what stays for good
 *   + sum of R_i c_i (c_i + 2 sum over j > i of c_j S_ij)    the rest: S_ij of what lived at i lives at j
 *
 * Locks: none. */
#include "diff/slope.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "diff/distribution.h"

/* How long noise is thought to remember, as parts of the whole time: from not at all to a random walk. */
static const double memories[SLOPE_MEMORIES] = {0, 0.03, 0.1, 0.3, 100};

static double square(double x) { return x * x; }

/* P(|T| > t) of Student's t. */
static double student_tails(double t, double degrees) {
    double x = degrees + t * t;
    return isinf(t) ? 0 : distribution_beta(degrees / x, t * t / x, degrees / 2, 0.5);
}

static double student_quantile(double confidence, double degrees) {
    double low = 0, high = 1;
    while (student_tails(high, degrees) > 1 - confidence)
        high *= 2;
    for (int i = 0; i < 100; i++) {
        double middle = (low + high) / 2;
        if (student_tails(middle, degrees) > 1 - confidence)
            low = middle;
        else
            high = middle;
    }
    return high;
}

/* The files of one process, from `first` to what is returned. */
static size_t group_end(const struct slope_plan *plan, size_t first) {
    size_t end = first + 1;
    while (end < plan->count && plan->group[end] == plan->group[first])
        end++;
    return end;
}

static double dot(const double *a, const double *b, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += a[i] * b[i];
    return sum;
}

/* Takes the level of each process out of a vector; `root` are the square roots of the weights. */
static void take_levels(const struct slope_plan *plan, const double *root, double *vector) {
    for (size_t first = 0, end; first < plan->count; first = end) {
        end = group_end(plan, first);
        double level = dot(root + first, vector + first, end - first) / dot(root + first, root + first, end - first);
        for (size_t i = first; i < end; i++)
            vector[i] -= level * root[i];
    }
}

/* Makes the vector orthogonal to levels and earlier ones, of which `known` lie one after the other, and of length 1.
 * Returns the length that it had then; 0 when nothing but rounding is left. */
static double orthogonalize(const struct slope_plan *plan, const double *root, const double *basis, size_t known,
                            double *vector) {
    enum { PASSES = 2 };
    static const double nothing = 1e-9;
    size_t count = plan->count;
    double before = sqrt(dot(vector, vector, count));
    for (int pass = 0; pass < PASSES; pass++) {
        take_levels(plan, root, vector);
        for (size_t k = 0; k < known; k++) {
            double part = dot(basis + k * count, vector, count);
            for (size_t i = 0; i < count; i++)
                vector[i] -= part * basis[k * count + i];
        }
    }
    double length = sqrt(dot(vector, vector, count));
    if (!(length > before * nothing))
        return 0;
    for (size_t i = 0; i < count; i++)
        vector[i] /= length;
    return length;
}

/* The variance of a projection of noise whose correlation falls by e in `memory`; 0: by nothing. */
static double project_noise(const struct slope_plan *plan, const double *times, const double *vector, double memory) {
    double sum = 0;
    for (size_t first = 0, end; first < plan->count; first = end) {
        end = group_end(plan, first);
        double later = 0;
        for (size_t i = end; i-- > first;) {
            if (i + 1 < end)
                later *= memory > 0 ? exp((times[i] - times[i + 1]) / memory) : 0;
            sum += vector[i] * (vector[i] + 2 * later);
            later += vector[i];
        }
    }
    return sum;
}

static void fill_memories(struct slope_plan *plan, const double *times, double span) {
    for (int m = 0; m < SLOPE_MEMORIES; m++) {
        double memory = memories[m] * span, line = project_noise(plan, times, plan->line, memory);
        for (size_t k = 0; k < plan->bends; k++) {
            plan->ratio[m][k] = line / project_noise(plan, times, plan->bend[k], memory);
            plan->evidence[m] += log(plan->ratio[m][k]) / 2;
        }
    }
}

static void fill_levers(struct slope_plan *plan) {
    size_t steps = 0;
    double sum = 0;
    for (size_t first = 0, end; first < plan->count; first = end) {
        end = group_end(plan, first);
        double lever = 0;
        for (size_t i = first; i < end; i++) {
            plan->lever[i] = lever += plan->line[i];
            if (i + 1 < end) {
                sum += lever * lever;
                steps++;
            }
        }
    }
    plan->mean_lever = steps ? sqrt(sum / (double)steps) : 0;
}

static size_t count_groups(const struct slope_plan *plan) {
    size_t groups = 0;
    for (size_t first = 0; first < plan->count; first = group_end(plan, first))
        groups++;
    return groups;
}

/* `basis` has room for the line and all bends; `scaled` are the times in [-1, 1], `unit` what 1 of it is. */
static void fill_basis(struct slope_plan *plan, const double *root, const double *scaled, double unit, double *basis) {
    size_t count = plan->count, used = count_groups(plan) + 1, most = count > used ? count - used : 0;
    for (size_t i = 0; i < count; i++)
        basis[i] = root[i] * scaled[i];
    double length = orthogonalize(plan, root, basis, 0, basis);
    if (!(length > 0))
        return;
    double scale = 1 / (length * unit);
    for (size_t i = 0; i < count; i++)
        plan->line[i] = basis[i] * root[i] * scale;
    for (size_t k = 1; k <= most && k <= SLOPE_MOST_BENDS; k++) {
        double *vector = basis + k * count;
        for (size_t i = 0; i < count; i++)
            vector[i] = vector[i - count] * scaled[i];
        if (!(orthogonalize(plan, root, basis, k, vector) > 0))
            break;
        for (size_t i = 0; i < count; i++)
            plan->bend[k - 1][i] = vector[i] * root[i] * scale;
        plan->bends = k;
    }
}

static void fill_plan(struct slope_plan *plan, const double *times, const double *weights, double *memory) {
    size_t count = plan->count;
    double *root = memory, *scaled = memory + count, low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < count; i++) {
        low = fmin(low, times[i]);
        high = fmax(high, times[i]);
    }
    if (!(high > low))
        return;
    for (size_t i = 0; i < count; i++) {
        root[i] = weights ? sqrt(weights[i]) : 1;
        scaled[i] = ((times[i] - low) - (high - times[i])) / (high - low);
    }
    fill_basis(plan, root, scaled, (high - low) / 2, memory + 2 * count);
    fill_memories(plan, times, high - low);
}

bool slope_plan_open(struct slope_plan *plan, const double *times, const double *weights, const uint32_t *groups,
                     size_t count, double confidence) {
    *plan = (struct slope_plan){.count = count, .confidence = confidence};
    double *arrays = calloc(count * (2 + SLOPE_MOST_BENDS) + 1, sizeof *arrays);
    double *memory = calloc(count * (3 + SLOPE_MOST_BENDS) + 1, sizeof *memory);
    plan->line = arrays;
    plan->group = calloc(count + 1, sizeof *plan->group);
    bool ok = arrays && memory && plan->group;
    if (ok) {
        plan->lever = arrays + count;
        for (size_t k = 0; k < SLOPE_MOST_BENDS; k++)
            plan->bend[k] = arrays + (2 + k) * count;
        memcpy(plan->group, groups, count * sizeof *groups);
        fill_plan(plan, times, weights, memory);
        fill_levers(plan);
        plan->normal = distribution_normal_quantile(0.5 + confidence / 2);
        plan->student = plan->bends ? student_quantile(confidence, (double)plan->bends) : INFINITY;
    }
    free(memory);
    return ok;
}

void slope_plan_close(struct slope_plan *plan) {
    free(plan->line);
    free(plan->group);
}

/* Part of what lives at i that lives at i + 1, where `rest` and `next` are the variances and `freed` that of what was
 * freed between. */
static double survival(double rest, double next, double freed) {
    static const double rounding = 1e-6; /* of variances kept as float */
    double mean = (rest + next) / 2;
    if (!(mean > 0))
        return 0;
    double share = freed > rounding * mean ? exp(-freed / mean) : 1;
    return rest > 0 ? fmin(share, next / rest) : share;
}

/* The least of `values` from first to end. */
static double find_least(const double *values, size_t first, size_t end) {
    double least = INFINITY;
    for (size_t i = first; i < end; i++)
        least = fmin(least, values[i]);
    return least;
}

/* The variance that sampling gives the slope, by the files of one process. */
static double process_variance(const struct slope_plan *plan, const struct slope_series *series, size_t first,
                               size_t end) {
    const double *variances = series->variances, *allocated = series->allocated;
    double least = find_least(variances, first, end), stays = INFINITY, later = 0, next = 0, sum = 0;
    for (size_t i = end; i-- > first;) {
        double before = fmin(stays, variances[i]), rest = variances[i] - before + least;
        if (i + 1 < end) {
            sum += (stays - before) * square(plan->lever[i]);
            double freed = allocated ? fmax(0, variances[i] + allocated[i + 1] - allocated[i] - variances[i + 1]) : 0;
            later *= allocated ? survival(rest, next, freed) : 0;
        }
        sum += rest * plan->line[i] * (plan->line[i] + 2 * later);
        later += plan->line[i];
        stays = before;
        next = rest;
    }
    return fmax(0, sum);
}

static double sampling_error(const struct slope_plan *plan, const struct slope_series *series) {
    double variance = square(series->unseen * plan->mean_lever);
    for (size_t first = 0, end; first < plan->count; first = end) {
        end = group_end(plan, first);
        variance += process_variance(plan, series, first, end);
    }
    return sqrt(variance);
}

/* Where even the largest value seen would not be more than chance, no slope can be. */
static double find_least_p(const struct slope_plan *plan, const struct slope_series *series) {
    double most = 0;
    for (size_t i = 0; i < plan->count; i++) {
        double error = sqrt(series->variances[i] + square(series->unseen));
        most = fmax(most, error > 0 ? fabs(series->values[i]) / error : INFINITY);
    }
    return 2 * distribution_normal(-most);
}

/* What the bends say of the error of the line: a mixture of Student's distributions, one for each memory. */
struct scatter {
    double error[SLOPE_MEMORIES], weight[SLOPE_MEMORIES];
    double degrees;
};

static struct scatter find_scatter(const struct slope_plan *plan, const double *values) {
    struct scatter scatter = {.degrees = (double)plan->bends};
    double squares[SLOPE_MOST_BENDS], likelihood[SLOPE_MEMORIES], best = -INFINITY, sum = 0;
    for (size_t k = 0; k < plan->bends; k++)
        squares[k] = square(dot(plan->bend[k], values, plan->count));
    for (int m = 0; m < SLOPE_MEMORIES; m++) {
        double variance = dot(plan->ratio[m], squares, plan->bends) / scatter.degrees;
        scatter.error[m] = sqrt(variance);
        likelihood[m] = variance > 0 ? plan->evidence[m] - scatter.degrees / 2 * log(variance) : 0;
        best = fmax(best, likelihood[m]);
    }
    for (int m = 0; m < SLOPE_MEMORIES; m++)
        sum += scatter.weight[m] = exp(likelihood[m] - best);
    for (int m = 0; m < SLOPE_MEMORIES; m++)
        scatter.weight[m] /= sum;
    return scatter;
}

/* P(|error| > size). */
static double scatter_tails(const struct scatter *scatter, double size) {
    double tails = 0;
    for (int m = 0; m < SLOPE_MEMORIES; m++)
        tails += scatter->weight[m] *
                 student_tails(scatter->error[m] > 0 ? size / scatter->error[m] : INFINITY, scatter->degrees);
    return tails;
}

static double scatter_reach(const struct slope_plan *plan, const struct scatter *scatter) {
    enum { HALVINGS = 30 };
    double low = 0, high = 0;
    for (int m = 0; m < SLOPE_MEMORIES; m++)
        high = fmax(high, plan->student * scatter->error[m]);
    for (int i = 0; i < HALVINGS && high > low; i++) {
        double middle = (low + high) / 2;
        if (scatter_tails(scatter, middle) > 1 - plan->confidence)
            low = middle;
        else
            high = middle;
    }
    return high;
}

struct slope slope_fit(const struct slope_plan *plan, const struct slope_series *series) {
    struct slope fit = {.slope = dot(plan->line, series->values, plan->count), .p = 1};
    if (!plan->bends) {
        fit.low = -INFINITY;
        fit.high = INFINITY;
        return fit;
    }
    struct scatter scatter = find_scatter(plan, series->values);
    double size = fabs(fit.slope), toward = scatter_reach(plan, &scatter), away = toward;
    fit.scatter_error = toward / plan->student;
    if (size > 0)
        fit.p = scatter_tails(&scatter, size);
    if (series->variances) {
        fit.sampling_error = sampling_error(plan, series);
        double reach = plan->normal * fit.sampling_error;
        toward = fmax(toward, reach);
        away =
            fmax(away, reach + series->unseen * plan->mean_lever * (-log((1 - plan->confidence) / 2) - plan->normal));
        if (fit.sampling_error > 0)
            fit.p = fmax(fit.p, 2 * distribution_normal(-size / fit.sampling_error));
        fit.least_p = fmin(fit.p, find_least_p(plan, series));
    }
    fit.low = fit.slope - (fit.slope > 0 ? toward : away);
    fit.high = fit.slope + (fit.slope < 0 ? toward : away);
    return fit;
}
