/* What changed, and whether sampling alone could have done it.
 *
 * One row in one view:
 *   1. its estimates on both sides, and between them where both files are of one process (diff/sampled)
 *   2. interval and p (diff/significance)
 * All rows of the view and measure:
 *   3. q, by Benjamini and Hochberg, and from it the verdict
 *
 * A comparison of several runs a side asks only how their values lie to each other.
 *
 * Locks: none. Allocates with malloc. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/wrap.h"
#include "diff/compare.h"
#include "diff/significance.h"

/* All that the mathematics says of one row. */
struct finding {
    struct significance significance;
    struct estimate sides[HEAPPROFILE_SIDES];
    const char *why; /* why there is no verdict, or NULL */
};

static const struct sampled nothing;

/* The row's sums in one column; ROW_TOTAL is the total. */
enum { ROW_TOTAL = UINT32_MAX };

static const struct sampled *find_sums(const struct column *column, uint32_t row, enum heapprofile_measure measure) {
    if (row == ROW_TOTAL)
        return &column->total_noise;
    bool is_whole = column->cum == column->flat;
    const struct sampled *sums =
        noise_find(measure == HEAPPROFILE_CUM && !is_whole ? &column->cum_noise : &column->flat_noise, row);
    return sums ? sums : &nothing;
}

static double find_scale(const struct heapprofile_diff *diff, enum heapprofile_side side, uint32_t view) {
    return heapprofile_diff_scales(diff, side == HEAPPROFILE_OLD ? 0 : 1)[view];
}

/* An estimate of one side as it is in the file, before normalization. */
static struct estimate estimate_side(const struct heapprofile_diff *diff, enum heapprofile_side side, uint32_t row,
                                     enum heapprofile_measure measure, enum sampled_kind kind) {
    const struct column *column = &diff->view.columns[side == HEAPPROFILE_OLD ? 0 : 1];
    return sampled_estimate(find_sums(column, row, measure), kind, &column->sampling);
}

static struct significance turn(struct significance significance) {
    double low = significance.low;
    significance.low = -significance.high;
    significance.high = -low;
    significance.delta = -significance.delta;
    return significance;
}

static struct significance test_process(const struct heapprofile_diff *diff, uint32_t row, uint32_t view,
                                        enum heapprofile_measure measure, enum sampled_kind kind) {
    bool is_objects = kind == SAMPLED_ALLOC_OBJECTS || kind == SAMPLED_INUSE_OBJECTS;
    bool is_alloc = kind == SAMPLED_ALLOC_OBJECTS || kind == SAMPLED_ALLOC_SPACE;
    enum sampled_kind alloc = is_objects ? SAMPLED_ALLOC_OBJECTS : SAMPLED_ALLOC_SPACE;
    enum sampled_kind inuse = is_objects ? SAMPLED_INUSE_OBJECTS : SAMPLED_INUSE_SPACE;
    enum heapprofile_side first = diff->is_reversed ? HEAPPROFILE_NEW : HEAPPROFILE_OLD;
    enum heapprofile_side second = diff->is_reversed ? HEAPPROFILE_OLD : HEAPPROFILE_NEW;
    const struct significance_process process = {.inuse_old = estimate_side(diff, first, row, measure, inuse),
                                                 .inuse_new = estimate_side(diff, second, row, measure, inuse),
                                                 .alloc_old = estimate_side(diff, first, row, measure, alloc),
                                                 .alloc_new = estimate_side(diff, second, row, measure, alloc),
                                                 .scale_old = find_scale(diff, first, view),
                                                 .scale_new = find_scale(diff, second, view)};
    struct significance significance =
        significance_of_process(&process, is_alloc ? SIGNIFICANCE_ALLOC : SIGNIFICANCE_INUSE, diff->confidence);
    return diff->is_reversed ? turn(significance) : significance;
}

static int64_t column_value(const struct heapprofile_diff *diff, size_t column, uint32_t row, uint32_t view,
                            enum heapprofile_measure measure) {
    return row == ROW_TOTAL ? diff->view.columns[column].total[view]
                            : view_value(&diff->view, column, measure, row, view);
}

static struct significance test_runs(const struct heapprofile_diff *diff, uint32_t row, uint32_t view,
                                     enum heapprofile_measure measure) {
    enum { MOST_RUNS = 1024 };
    double values[MOST_RUNS];
    size_t columns = diff->view.column_count < MOST_RUNS ? diff->view.column_count : MOST_RUNS;
    size_t old_runs = diff->runs[HEAPPROFILE_OLD] < columns ? diff->runs[HEAPPROFILE_OLD] : columns;
    for (size_t c = 0; c < columns; c++)
        values[c] = (double)column_value(diff, c, row, view, measure);
    return significance_of_runs(values, old_runs, values + old_runs, columns - old_runs, diff->confidence);
}

/* Why nothing can be said; NULL when it can. */
static const char *find_obstacle(const struct heapprofile_diff *diff, uint32_t view, enum heapprofile_measure measure) {
    if (!diff->runs[HEAPPROFILE_OLD])
        return "only one profile";
    if (diff->view.column_count > 2)
        return NULL;
    if (!diff->view.with_noise || (measure == HEAPPROFILE_CUM && !diff->view.with_cum_noise))
        return "not asked for";
    if (sampled_kind_of(diff->views[view].name) == SAMPLED_OTHER)
        return "not a view of a heap profile";
    for (size_t c = 0; c < diff->view.column_count; c++)
        if (!diff->view.columns[c].sampling.rate)
            return "a file does not say how it was sampled";
    return NULL;
}

static struct finding find_out(const struct heapprofile_diff *diff, uint32_t row, uint32_t view,
                               enum heapprofile_measure measure) {
    struct finding finding = {.why = row == ROW_TOTAL ? find_obstacle(diff, view, HEAPPROFILE_FLAT)
                                                      : find_obstacle(diff, view, measure)};
    if (finding.why)
        return finding;
    if (diff->view.column_count > 2) {
        finding.significance = test_runs(diff, row, view, measure);
        return finding;
    }
    enum sampled_kind kind = sampled_kind_of(diff->views[view].name);
    for (enum heapprofile_side side = HEAPPROFILE_OLD; side < HEAPPROFILE_SIDES; side++) {
        struct estimate estimate = estimate_side(diff, side, row, measure, kind);
        finding.sides[side] = estimate_scale(&estimate, find_scale(diff, side, view));
    }
    /* A side without the row has missed objects of the other's sizes. */
    double density = fmax(finding.sides[HEAPPROFILE_OLD].density, finding.sides[HEAPPROFILE_NEW].density);
    finding.sides[HEAPPROFILE_OLD].density = finding.sides[HEAPPROFILE_NEW].density = density;
    finding.significance =
        diff->same_process == 1
            ? test_process(diff, row, view, measure, kind)
            : significance_of_two(&finding.sides[HEAPPROFILE_OLD], &finding.sides[HEAPPROFILE_NEW], diff->confidence);
    if (finding.significance.test == SIGNIFICANCE_UNKNOWN)
        finding.why = "its values are not those of whole samples of the file's rate";
    return finding;
}

static struct heapprofile_change describe(const struct heapprofile_diff *diff, const struct finding *finding,
                                          int64_t before, int64_t after, double q) {
    struct heapprofile_change change = {.before = before, .after = after, .delta = wrap_subtract(after, before)};
    if (finding->why) {
        change.verdict = change.delta || !diff->runs[HEAPPROFILE_OLD] ? HEAPPROFILE_UNKNOWN : HEAPPROFILE_SAME;
        change.low = -INFINITY;
        change.high = INFINITY;
        change.p = change.q = 1;
        return change;
    }
    change.low = finding->significance.low;
    change.high = finding->significance.high;
    change.p = finding->significance.p;
    change.q = q;
    change.verdict = !change.delta               ? HEAPPROFILE_SAME
                     : q <= 1 - diff->confidence ? HEAPPROFILE_CHANGED
                                                 : HEAPPROFILE_NOISE;
    return change;
}

/* Fills the changes of all rows; `p`, `least` and `q` have room for one each. */
static bool judge_rows(struct heapprofile_diff *diff, uint32_t view, enum heapprofile_measure measure,
                       struct heapprofile_change *changes, double *p, double *least, double *q) {
    uint32_t rows = diff->view.rows.count;
    for (uint32_t i = 0; i < rows; i++) {
        struct finding finding = find_out(diff, i, view, measure);
        changes[i] = describe(diff, &finding, compare_value(diff, HEAPPROFILE_OLD, measure, i, view),
                              compare_value(diff, HEAPPROFILE_NEW, measure, i, view), 1);
        /* Rows of nothing are no rows of this view. */
        bool counts = !finding.why && (changes[i].before || changes[i].after);
        p[i] = counts ? finding.significance.p : NAN;
        least[i] = counts ? finding.significance.least_p : NAN;
    }
    if (!significance_adjust(p, least, q, rows, 1 - diff->confidence))
        return false;
    for (uint32_t i = 0; i < rows; i++) {
        if (isnan(p[i]))
            continue;
        changes[i].q = q[i];
        if (changes[i].delta && q[i] <= 1 - diff->confidence)
            changes[i].verdict = HEAPPROFILE_CHANGED;
    }
    return true;
}

static struct heapprofile_change *find_changes(struct heapprofile_diff *diff, uint32_t view,
                                               enum heapprofile_measure measure) {
    struct heapprofile_change **slot = &diff->changes[view * HEAPPROFILE_MEASURES + measure];
    if (*slot)
        return *slot;
    size_t rows = diff->view.rows.count;
    struct heapprofile_change *changes = calloc(rows + 1, sizeof *changes);
    double *numbers = calloc(3 * rows + 1, sizeof *numbers);
    if (changes && numbers && judge_rows(diff, view, measure, changes, numbers, numbers + rows, numbers + 2 * rows)) {
        *slot = changes;
    } else {
        free(changes);
    }
    free(numbers);
    return *slot;
}

struct heapprofile_change heapprofile_diff_change(struct heapprofile_diff *diff, uint32_t row, uint32_t view,
                                                  enum heapprofile_measure measure) {
    const struct heapprofile_change *changes = find_changes(diff, view, measure);
    if (changes)
        return changes[row];
    /* Without memory for the verdicts the values are still there. */
    const struct finding unknown = {.why = "out of memory"};
    return describe(diff, &unknown, compare_value(diff, HEAPPROFILE_OLD, measure, row, view),
                    compare_value(diff, HEAPPROFILE_NEW, measure, row, view), 1);
}

static int64_t total_of(const struct heapprofile_diff *diff, enum heapprofile_side side, uint32_t view) {
    size_t first = side == HEAPPROFILE_OLD ? 0 : diff->runs[HEAPPROFILE_OLD], count = diff->runs[side];
    if (count <= 1)
        return count ? diff->view.columns[first].total[view] : 0;
    double sum = 0;
    for (size_t c = first; c < first + count; c++)
        sum += (double)diff->view.columns[c].total[view];
    return compare_mean(diff, side, sum);
}

/* One row by itself: q is p. */
struct heapprofile_change heapprofile_diff_total(struct heapprofile_diff *diff, uint32_t view) {
    struct finding finding = find_out(diff, ROW_TOTAL, view, HEAPPROFILE_FLAT);
    return describe(diff, &finding, total_of(diff, HEAPPROFILE_OLD, view), total_of(diff, HEAPPROFILE_NEW, view),
                    finding.significance.p);
}

static struct heapprofile_side_evidence describe_estimate(const struct estimate *estimate) {
    return (struct heapprofile_side_evidence){.value = estimate->value,
                                              .variance = estimate->variance,
                                              .samples = estimate->samples,
                                              .unseen = estimate->rate * estimate->density,
                                              .unknown = estimate->unknown};
}

struct heapprofile_evidence heapprofile_diff_evidence(struct heapprofile_diff *diff, uint32_t row, uint32_t view,
                                                      enum heapprofile_measure measure) {
    struct finding finding = find_out(diff, row, view, measure);
    struct heapprofile_evidence evidence = {.why = finding.why, .is_one_process = diff->same_process == 1};
    evidence.test = finding.why ? "none" : significance_test_name(finding.significance.test);
    evidence.less = describe_estimate(&finding.significance.less);
    evidence.more = describe_estimate(&finding.significance.more);
    evidence.less_count = finding.significance.less_count;
    evidence.more_count = finding.significance.more_count;
    evidence.least_p = finding.significance.least_p;
    for (enum heapprofile_side side = HEAPPROFILE_OLD; side < HEAPPROFILE_SIDES; side++)
        evidence.sides[side] = describe_estimate(&finding.sides[side]);
    return evidence;
}
