/* Lines through the series of a trend:
 *
 *   1. the files of the process that is asked for, in the order of time; of several, one process after the other
 *   2. warm-up: of each process, the first files are left out that more than halve the standard error of the total's
 *      slope by being left out, at most half of them (White's marginal standard error rule of 1997, for slopes)
 *   3. weights: all alike where the files have one rate; else by the total's variance around its line
 *   4. every row: slope, interval and p (diff/slope); rises; whether it rises all the time
 *   5. q over all rows, verdicts, order
 *
 * Locks: none. Allocates with malloc. */
#include "diff/trend.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/wrap.h"
#include "diff/significance.h"

enum { LEAST_FILES = 3, LEAST_TO_WARM_UP = 8, LEAST_WARM = 5, PARTS = 4 };

static const double nanos_an_hour = 3600e9;

/* By place among the used files. */
struct workspace {
    double *values, *variances, *allocated;
    int64_t *numbers;
};

void trend_forget_fit(struct heapprofile_trend *trend) {
    struct trend_fit *fit = &trend->fit;
    free(fit->order);
    free(fit->places);
    free(fit->is_warm_up);
    free(fit->used);
    free(fit->times);
    free(fit->slopes);
    free(fit->rank);
    slope_plan_close(&fit->plan);
    *fit = (struct trend_fit){0};
}

/* ---- Which files ---- */

static int newest_process(const struct heapprofile_trend *trend) {
    uint32_t newest = 0;
    for (uint32_t i = 1; i < trend->process_count; i++)
        if (trend->processes[i].last_nanos > trend->processes[newest].last_nanos)
            newest = i;
    return (int)newest;
}

static int by_process_and_time(const void *a, const void *b, void *context) {
    const struct heapprofile_trend *trend = context;
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    const struct trend_file *x = &trend->files[left], *y = &trend->files[right];
    int64_t x_begin = trend->processes[x->process].first_nanos, y_begin = trend->processes[y->process].first_nanos;
    if (x_begin != y_begin)
        return x_begin < y_begin ? -1 : 1;
    if (x->process != y->process)
        return x->process < y->process ? -1 : 1;
    if (x->time_nanos != y->time_nanos)
        return x->time_nanos < y->time_nanos ? -1 : 1;
    return left < right ? -1 : left > right;
}

static void select_files(struct heapprofile_trend *trend, int process) {
    struct trend_fit *fit = &trend->fit;
    fit->process = process == HEAPPROFILE_NEWEST_PROCESS ? newest_process(trend) : process;
    for (uint32_t i = 0; i < trend->file_count; i++)
        if (fit->process == HEAPPROFILE_ALL_PROCESSES || trend->files[i].process == (uint32_t)fit->process)
            fit->order[fit->files++] = i;
    qsort_r(fit->order, fit->files, sizeof *fit->order, by_process_and_time, trend);
}

static const struct trend_file *file_at(const struct heapprofile_trend *trend, uint32_t place) {
    return &trend->files[trend->fit.order[place]];
}

/* The series by place among the used files. */
static void gather(const struct heapprofile_trend *trend, const struct trend_series *series, struct workspace *space) {
    const struct trend_fit *fit = &trend->fit;
    trend_spread(trend, series, space->numbers, space->variances, space->allocated);
    for (uint32_t i = 0; i < fit->files - fit->warm_up; i++) {
        uint32_t place = fit->used[i];
        space->numbers[i] = space->numbers[place];
        space->variances[i] = space->variances[place];
        space->allocated[i] = space->allocated[place];
        space->values[i] = (double)space->numbers[i];
    }
}

/* ---- Warm-up ---- */

/* A straight line by least squares, one point more at a time (after Welford). */
struct running_line {
    double count, mean_x, mean_y, xx, xy, yy;
};

static void add_to_line(struct running_line *line, double x, double y) {
    double dx = x - line->mean_x, dy = y - line->mean_y, share = line->count / (line->count + 1);
    line->xx += dx * dx * share;
    line->xy += dx * dy * share;
    line->yy += dy * dy * share;
    line->count++;
    line->mean_x += dx / line->count;
    line->mean_y += dy / line->count;
}

/* The square of the standard error of its slope. */
static double line_error(const struct running_line *line) {
    if (!(line->xx > 0) || line->count < 3)
        return INFINITY;
    return fmax(0, line->yy - line->xy * line->xy / line->xx) / (line->count - 2) / line->xx;
}

/* How many of the files from first to end are warm-up. */
static uint32_t count_warm_up(const struct heapprofile_trend *trend, const int64_t *totals, uint32_t first,
                              uint32_t end) {
    static const double gain = 4; /* in squares */
    uint32_t count = end - first, least = count - count / 2, best = 0;
    struct running_line line = {0};
    double error = INFINITY, least_error = INFINITY;
    if (count < LEAST_TO_WARM_UP)
        return 0;
    for (uint32_t i = end; i-- > first;) {
        double hours = (double)(file_at(trend, i)->time_nanos - file_at(trend, first)->time_nanos) / nanos_an_hour;
        add_to_line(&line, hours, (double)totals[i]);
        error = line_error(&line);
        if (end - i >= least && end - i >= LEAST_WARM && error <= least_error) {
            least_error = error;
            best = i - first;
        }
    }
    return error > gain * least_error ? best : 0;
}

static uint32_t process_end(const struct heapprofile_trend *trend, uint32_t first) {
    uint32_t end = first + 1;
    while (end < trend->fit.files && file_at(trend, end)->process == file_at(trend, first)->process)
        end++;
    return end;
}

static void find_warm_up(struct heapprofile_trend *trend, struct workspace *space) {
    struct trend_fit *fit = &trend->fit;
    uint32_t used = 0;
    trend_spread(trend, &trend->total, space->numbers, space->variances, space->allocated);
    for (uint32_t first = 0, end; first < fit->files; first = end) {
        end = process_end(trend, first);
        uint32_t warm_up = trend->with_warm_up ? 0 : count_warm_up(trend, space->numbers, first, end);
        for (uint32_t i = first; i < end; i++) {
            fit->is_warm_up[i] = i < first + warm_up;
            if (!fit->is_warm_up[i])
                fit->used[used++] = i;
        }
        fit->warm_up += warm_up;
    }
}

/* ---- The plan ---- */

static bool has_one_rate(const struct heapprofile_trend *trend, uint32_t used) {
    for (uint32_t i = 1; i < used; i++)
        if (file_at(trend, trend->fit.used[i])->rate != file_at(trend, trend->fit.used[0])->rate)
            return false;
    return true;
}

/* The mean square of what is left of the values when levels and slope are taken out. */
static double mean_square_rest(const struct slope_plan *plan, const double *times, const double *values) {
    double slope = 0, sum = 0, groups = 0;
    for (size_t i = 0; i < plan->count; i++)
        slope += plan->line[i] * values[i];
    for (size_t first = 0, end; first < plan->count; first = end) {
        double mean = 0;
        for (end = first; end < plan->count && plan->group[end] == plan->group[first]; end++)
            mean += values[end] - slope * times[end];
        mean /= (double)(end - first);
        for (size_t i = first; i < end; i++)
            sum += (values[i] - slope * times[i] - mean) * (values[i] - slope * times[i] - mean);
        groups++;
    }
    double degrees = (double)plan->count - groups - 1;
    return degrees > 0 ? sum / degrees : 0;
}

static bool open_plan(struct heapprofile_trend *trend, struct workspace *space) {
    struct trend_fit *fit = &trend->fit;
    uint32_t used = fit->files - fit->warm_up;
    uint32_t *groups = calloc((size_t)used + 1, sizeof *groups);
    bool ok = groups != NULL;
    for (uint32_t i = 0; ok && i < used; i++) {
        const struct trend_file *file = file_at(trend, fit->used[i]);
        fit->times[i] = (double)(file->time_nanos - file_at(trend, fit->used[0])->time_nanos) / nanos_an_hour;
        fit->hours = fmax(fit->hours, fit->times[i]);
        groups[i] = file->process;
    }
    ok = ok && slope_plan_open(&fit->plan, fit->times, NULL, groups, used, trend->confidence);
    if (ok && !has_one_rate(trend, used) && !trend->total.is_unknown) {
        gather(trend, &trend->total, space);
        double rest = mean_square_rest(&fit->plan, fit->times, space->values);
        for (uint32_t i = 0; i < used; i++)
            space->variances[i] = rest + space->variances[i] > 0 ? 1 / (rest + space->variances[i]) : 1;
        slope_plan_close(&fit->plan);
        ok = slope_plan_open(&fit->plan, fit->times, space->variances, groups, used, trend->confidence);
    }
    free(groups);
    return ok;
}

/* ---- Rows ---- */

/* Means of the values and times of each process's quarters, as distances from the process's own means, added up over
 * the processes. False when none has enough files. */
static bool find_quarters(const struct heapprofile_trend *trend, const double *values, double *levels, double *times) {
    const struct slope_plan *plan = &trend->fit.plan;
    bool is_any = false;
    for (size_t first = 0, end; first < plan->count; first = end) {
        double value = 0, time = 0;
        for (end = first; end < plan->count && plan->group[end] == plan->group[first]; end++) {
            value += values[end];
            time += trend->fit.times[end];
        }
        size_t count = end - first;
        if (count < PARTS)
            continue;
        is_any = true;
        for (size_t part = 0; part < PARTS; part++) {
            size_t from = first + count * part / PARTS, to = first + count * (part + 1) / PARTS;
            double share = (double)count / (double)(to - from);
            for (size_t i = from; i < to; i++) {
                levels[part] += (values[i] - value / (double)count) * share;
                times[part] += (trend->fit.times[i] - time / (double)count) * share;
            }
        }
    }
    return is_any;
}

/* Whether each quarter rises over the one before, at least half as fast as the whole. */
static bool rises_all_the_time(const struct heapprofile_trend *trend, const double *values, double slope) {
    double levels[PARTS] = {0}, times[PARTS] = {0};
    if (!find_quarters(trend, values, levels, times))
        return true;
    for (int part = 1; part < PARTS; part++)
        if (levels[part] - levels[part - 1] < slope / 2 * (times[part] - times[part - 1]))
            return false;
    return true;
}

static double largest_rate(const struct heapprofile_trend *trend) {
    int64_t rate = 0;
    for (uint32_t i = 0; i < trend->fit.files - trend->fit.warm_up; i++) {
        int64_t other = file_at(trend, trend->fit.used[i])->rate;
        rate = other > rate ? other : rate;
    }
    return rate > 1 ? (double)rate : 0;
}

/* The verdict is not more than what the row says by itself: FALLS and RISES for "more than chance". */
static struct heapprofile_slope fit_series(const struct heapprofile_trend *trend, const struct trend_series *series,
                                           struct workspace *space, double *least_p) {
    const struct slope_plan *plan = &trend->fit.plan;
    gather(trend, series, space);
    const struct slope_series numbers = {.values = space->values,
                                         .variances = series->is_unknown ? NULL : space->variances,
                                         .allocated = space->allocated,
                                         .unseen = series->density * largest_rate(trend)};
    struct slope line = slope_fit(plan, &numbers);
    size_t last = plan->count - 1;
    struct heapprofile_slope slope = {.first = space->numbers[0],
                                      .last = space->numbers[last],
                                      .slope = line.slope,
                                      .low = line.low,
                                      .high = line.high,
                                      .p = line.p,
                                      .q = line.p,
                                      .sampling_error = series->is_unknown ? NAN : line.sampling_error,
                                      .scatter_error = line.scatter_error};
    bool is_constant = true;
    for (size_t i = 1; i < plan->count; i++) {
        if (plan->group[i] != plan->group[i - 1])
            continue;
        slope.steps++;
        slope.rises += space->numbers[i] > space->numbers[i - 1];
        is_constant &= space->numbers[i] == space->numbers[i - 1];
    }
    /* What was allocated only ever grows. */
    bool is_growth = trend->kind == SAMPLED_ALLOC_SPACE || trend->kind == SAMPLED_ALLOC_OBJECTS;
    if (is_constant)
        slope.slope = 0; /* but for rounding */
    slope.verdict = is_constant                                                           ? HEAPPROFILE_TREND_CONSTANT
                    : slope.slope <= 0                                                    ? HEAPPROFILE_TREND_FALLS
                    : !is_growth && rises_all_the_time(trend, space->values, slope.slope) ? HEAPPROFILE_TREND_LEAKS
                                                                                          : HEAPPROFILE_TREND_RISES;
    *least_p = line.least_p;
    return slope;
}

static void settle(const struct heapprofile_trend *trend, struct heapprofile_slope *slope) {
    if (slope->verdict != HEAPPROFILE_TREND_CONSTANT && !(slope->q <= 1 - trend->confidence))
        slope->verdict = HEAPPROFILE_TREND_NOISE;
}

/* `numbers` has room for three a row. */
static bool fit_rows(struct heapprofile_trend *trend, struct workspace *space, double *numbers) {
    struct trend_fit *fit = &trend->fit;
    uint32_t rows = trend->rows.count;
    double *p = numbers, *least = numbers + rows, *q = numbers + 2 * (size_t)rows;
    for (uint32_t i = 0; i < rows; i++) {
        fit->slopes[i] = fit_series(trend, trend_series_of(trend, i), space, &least[i]);
        bool counts = fit->slopes[i].verdict != HEAPPROFILE_TREND_CONSTANT;
        p[i] = counts ? fit->slopes[i].p : NAN;
        if (counts || fit->slopes[i].last)
            fit->rank[fit->ranked++] = i;
    }
    if (!significance_adjust(p, least, q, rows, 1 - trend->confidence))
        return false;
    for (uint32_t i = 0; i < rows; i++) {
        fit->slopes[i].q = isnan(q[i]) ? 1 : q[i];
        settle(trend, &fit->slopes[i]);
    }
    double ignored;
    fit->total = fit_series(trend, &trend->total, space, &ignored);
    settle(trend, &fit->total);
    return true;
}

static int verdict_class(enum heapprofile_trend_verdict verdict) {
    return verdict == HEAPPROFILE_TREND_LEAKS ? 0 : verdict == HEAPPROFILE_TREND_RISES ? 1 : 2;
}

static int by_verdict_and_slope(const void *a, const void *b, void *context) {
    const struct heapprofile_trend *trend = context;
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    const struct heapprofile_slope *x = &trend->fit.slopes[left], *y = &trend->fit.slopes[right];
    if (verdict_class(x->verdict) != verdict_class(y->verdict))
        return verdict_class(x->verdict) - verdict_class(y->verdict);
    if (x->slope != y->slope)
        return x->slope > y->slope ? -1 : 1;
    if (x->last != y->last)
        return x->last > y->last ? -1 : 1;
    return strcmp(trend->rows.keys.strings[left].text, trend->rows.keys.strings[right].text);
}

static bool allocate(struct heapprofile_trend *trend, struct workspace *space) {
    struct trend_fit *fit = &trend->fit;
    size_t files = (size_t)trend->file_count + 1, rows = (size_t)trend->rows.count + 1;
    fit->order = calloc(files, sizeof *fit->order);
    fit->places = calloc(files, sizeof *fit->places);
    fit->is_warm_up = calloc(files, sizeof *fit->is_warm_up);
    fit->used = calloc(files, sizeof *fit->used);
    fit->times = calloc(files, sizeof *fit->times);
    fit->slopes = calloc(rows, sizeof *fit->slopes);
    fit->rank = calloc(rows, sizeof *fit->rank);
    space->values = calloc(3 * files, sizeof *space->values);
    space->numbers = calloc(files, sizeof *space->numbers);
    if (!fit->order || !fit->places || !fit->is_warm_up || !fit->used || !fit->times || !fit->slopes || !fit->rank ||
        !space->values || !space->numbers)
        return false;
    space->variances = space->values + files;
    space->allocated = space->values + 2 * files;
    return true;
}

static void fill_places(struct heapprofile_trend *trend) {
    for (uint32_t i = 0; i < trend->file_count; i++)
        trend->fit.places[i] = TREND_NOWHERE;
    for (uint32_t i = 0; i < trend->fit.files; i++)
        trend->fit.places[trend->fit.order[i]] = i;
}

static bool fit_all(struct heapprofile_trend *trend, int process, struct workspace *space,
                    struct heapprofile_error *error) {
    struct trend_fit *fit = &trend->fit;
    source_fail(error, "out of memory");
    if (!allocate(trend, space))
        return false;
    select_files(trend, process);
    if (fit->files < LEAST_FILES)
        return source_fail(error, "a trend needs three profiles of a process, not %u", fit->files);
    fill_places(trend);
    find_warm_up(trend, space);
    if (!open_plan(trend, space))
        return false;
    if (!fit->plan.bends)
        return source_fail(error, "a trend needs three profiles of a process that were made at different times");
    double *numbers = calloc(3 * (size_t)trend->rows.count + 1, sizeof *numbers);
    bool ok = numbers && fit_rows(trend, space, numbers);
    free(numbers);
    if (ok)
        qsort_r(fit->rank, fit->ranked, sizeof *fit->rank, by_verdict_and_slope, trend);
    return ok;
}

bool heapprofile_trend_fit(struct heapprofile_trend *trend, int process, struct heapprofile_error *error) {
    struct workspace space = {0};
    trend_forget_fit(trend);
    bool ok = fit_all(trend, process, &space, error);
    free(space.values);
    free(space.numbers);
    if (!ok)
        trend_forget_fit(trend);
    return ok;
}

/* ---- What was found ---- */

struct heapprofile_trend_facts heapprofile_trend_facts(const struct heapprofile_trend *trend) {
    const struct trend_fit *fit = &trend->fit;
    return (struct heapprofile_trend_facts){.view = trend->view,
                                            .process = fit->process,
                                            .files = fit->files,
                                            .warm_up = fit->warm_up,
                                            .confidence = trend->confidence,
                                            .hours = fit->hours,
                                            .deviations = fit->plan.normal};
}

struct heapprofile_trend_file heapprofile_trend_file(const struct heapprofile_trend *trend, uint32_t file) {
    const struct trend_file *from = file_at(trend, file);
    return (struct heapprofile_trend_file){.name = from->name,
                                           .time_nanos = from->time_nanos,
                                           .process = from->process,
                                           .rate = from->rate,
                                           .is_warm_up = trend->fit.is_warm_up[file]};
}

const uint32_t *heapprofile_trend_rank(const struct heapprofile_trend *trend, uint32_t *count) {
    *count = trend->fit.ranked;
    return trend->fit.rank;
}

struct heapprofile_slope heapprofile_trend_slope(const struct heapprofile_trend *trend, int64_t row) {
    return row == HEAPPROFILE_TREND_TOTAL ? trend->fit.total : trend->fit.slopes[row];
}
