/* A comparison is opened in these steps:
 *
 *   1. which views, by name, and where each file has them
 *   2. what each file is scaled by
 *   3. every file into a column of the view (diff/view)
 *
 * What changed is computed for all rows of a view and measure at once, when the first of them is asked for, because
 * Benjamini and Hochberg's procedure looks at all of them (diff/verdict).
 *
 * Locks: none. Allocates with malloc. */
#include "diff/compare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/wrap.h"
#include "diff/align.h"
#include "diff/normalize.h"

static bool no_memory(struct heapprofile_error *error) { return source_fail(error, "out of memory"); }

static const struct heapprofile *file_at(const struct heapprofile_pair *pair, size_t column) {
    size_t old_runs = pair->runs[HEAPPROFILE_OLD].count;
    return column < old_runs ? pair->runs[HEAPPROFILE_OLD].profiles[column]
                             : pair->runs[HEAPPROFILE_NEW].profiles[column - old_runs];
}

static bool fail_view(const struct heapprofile *source, const char *name, struct heapprofile_error *error) {
    enum { SHOWN = 200 };
    char path[SHOWN * 4], shown[SHOWN];
    text_clean(path, sizeof path, source->name);
    if (!source->profile.sample_type_count)
        return source_fail(error, "no sample types in '%s'", path);
    text_clean(shown, sizeof shown, name);
    source_fail(error, "no sample type '%s' in '%s', which has", shown, path);
    size_t used = strlen(error->text);
    for (uint32_t i = 0; i < source->profile.sample_type_count && used < sizeof error->text - SHOWN - 8; i++) {
        text_clean(shown, sizeof shown, heapprofile_view(source, i).name);
        strcpy(error->text + used, i ? ", " : " ");
        strcat(error->text + used, shown);
        used += strlen(error->text + used);
    }
    return false;
}

/* Where each file has each view. */
static bool find_types(struct heapprofile_diff *diff, const struct heapprofile_pair *pair, size_t columns,
                       struct heapprofile_error *error) {
    uint32_t views = diff->view.views;
    for (size_t c = 0; c < columns; c++) {
        const struct heapprofile *source = file_at(pair, c);
        for (uint32_t t = 0; t < views; t++)
            if ((diff->types[c * views + t] = source_find_view(source, diff->views[t].name)) == PROFILE_NONE)
                return fail_view(source, diff->views[t].name, error);
    }
    return true;
}

/* The views asked for, or all of the last file. */
static bool find_views(struct heapprofile_diff *diff, const struct heapprofile *last,
                       const struct heapprofile_options *options, struct heapprofile_error *error) {
    for (uint32_t t = 0; t < diff->view.views; t++) {
        uint32_t index = t;
        if (options->views && !heapprofile_find_view(last, options->views[t], &index))
            return fail_view(last, options->views[t] ? options->views[t] : "", error);
        diff->views[t] = heapprofile_view(last, index);
    }
    return true;
}

static bool allocate(struct heapprofile_diff *diff, size_t columns) {
    size_t views = diff->view.views;
    diff->views = calloc(views + 1, sizeof *diff->views);
    diff->types = calloc(columns * views + 1, sizeof *diff->types);
    diff->scales = calloc(columns * views + 1, sizeof *diff->scales);
    diff->changes = calloc(views * HEAPPROFILE_MEASURES + 1, sizeof(void *));
    return diff->views && diff->types && diff->scales && diff->changes;
}

/* Whether all files are of one process, and in which order they were written. */
static void find_process(struct heapprofile_diff *diff, const struct heapprofile_pair *pair, size_t columns) {
    const char *first = heapprofile_facts(file_at(pair, 0)).instance;
    diff->same_process = columns > 1 && first ? 1 : -1;
    for (size_t c = 1; c < columns && diff->same_process >= 0; c++) {
        const char *instance = heapprofile_facts(file_at(pair, c)).instance;
        if (!instance)
            diff->same_process = -1;
        else if (strcmp(instance, first) != 0)
            diff->same_process = 0;
    }
    if (diff->same_process == 1 && columns == 2)
        diff->is_reversed = file_at(pair, 0)->profile.time_nanos > file_at(pair, 1)->profile.time_nanos;
}

static bool fill(struct heapprofile_diff *diff, const struct heapprofile_pair *pair, size_t columns,
                 const struct heapprofile_options *options, struct heapprofile_error *error) {
    uint32_t views = diff->view.views;
    if (!find_views(diff, file_at(pair, columns - 1), options, error) || !find_types(diff, pair, columns, error) ||
        !normalize_find(diff, pair, options, error))
        return false;
    find_process(diff, pair, columns);
    for (size_t c = 0; c < columns; c++)
        if (!view_add(&diff->view, file_at(pair, c), diff->types + c * views, diff->scales + c * views))
            return no_memory(error);
    if (!view_count(&diff->view))
        return no_memory(error);
    return !options->is_aligned || align_rows(diff) || no_memory(error);
}

struct heapprofile_diff *heapprofile_diff(const struct heapprofile_pair *pair,
                                          const struct heapprofile_options *options, struct heapprofile_error *error) {
    static const struct heapprofile_options by_default;
    const struct heapprofile_options *asked = options ? options : &by_default;
    size_t columns = pair->runs[HEAPPROFILE_OLD].count + pair->runs[HEAPPROFILE_NEW].count;
    if (!pair->runs[HEAPPROFILE_NEW].count) {
        source_fail(error, "no profile to compare");
        return NULL;
    }
    uint32_t views = asked->views ? (uint32_t)asked->view_count : file_at(pair, columns - 1)->profile.sample_type_count;
    struct heapprofile_diff *diff = calloc(1, sizeof *diff);
    bool ok = diff && view_open(&diff->view, asked->by, asked->label ? asked->label : "", views);
    if (diff) {
        diff->runs[HEAPPROFILE_OLD] = pair->runs[HEAPPROFILE_OLD].count;
        diff->runs[HEAPPROFILE_NEW] = pair->runs[HEAPPROFILE_NEW].count;
        diff->norm = asked->norm;
        diff->confidence = asked->confidence > 0 ? asked->confidence : 0.95;
        diff->view.with_noise = !asked->without_noise;
        diff->view.with_cum_noise = diff->view.with_noise && asked->with_cum_noise;
    }
    if (!(ok = ok && allocate(diff, columns)))
        no_memory(error);
    if (ok && fill(diff, pair, columns, asked, error))
        return diff;
    heapprofile_diff_free(diff);
    return NULL;
}

void heapprofile_diff_free(struct heapprofile_diff *diff) {
    if (!diff)
        return;
    for (size_t i = 0; diff->changes && i < (size_t)diff->view.views * HEAPPROFILE_MEASURES; i++)
        free(diff->changes[i]);
    free(diff->changes);
    view_close(&diff->view);
    free(diff->views);
    free(diff->types);
    free(diff->scales);
    free(diff->rank);
    free(diff->old_names);
    free(diff->likeness);
    free(diff);
}

uint32_t heapprofile_diff_views(const struct heapprofile_diff *diff) { return diff->view.views; }

struct heapprofile_view heapprofile_diff_view(const struct heapprofile_diff *diff, uint32_t view) {
    return diff->views[view];
}

const double *heapprofile_diff_scales(const struct heapprofile_diff *diff, size_t file) {
    return diff->scales + file * diff->view.views;
}

int heapprofile_diff_same_process(const struct heapprofile_diff *diff) { return diff->same_process; }

uint32_t heapprofile_diff_rows(const struct heapprofile_diff *diff) { return diff->view.rows.count; }

struct heapprofile_row heapprofile_diff_row(struct heapprofile_diff *diff, uint32_t row) {
    const struct row *item = &diff->view.rows.items[row];
    const char *name = rows_name(&diff->view.rows, row);
    return (struct heapprofile_row){.name = name ? name : "",
                                    .file = item->file,
                                    .line = item->line,
                                    .has_other_files = item->has_other_files,
                                    .old_name = diff->old_names ? diff->old_names[row] : NULL,
                                    .likeness = diff->likeness ? diff->likeness[row] : 0};
}

const char *const *heapprofile_diff_stack(struct heapprofile_diff *diff, uint32_t row, uint32_t *count) {
    *count = 0;
    return diff->view.rows.functions ? rows_stack(&diff->view.rows, row, count) : NULL;
}

int64_t compare_mean(const struct heapprofile_diff *diff, enum heapprofile_side side, double sum) {
    double mean = round(sum / (double)diff->runs[side]);
    return mean >= 0x1p63 ? INT64_MAX : mean <= -0x1p63 ? INT64_MIN : (int64_t)mean;
}

int64_t compare_value(const struct heapprofile_diff *diff, enum heapprofile_side side, enum heapprofile_measure measure,
                      uint32_t row, uint32_t view) {
    size_t first = side == HEAPPROFILE_OLD ? 0 : diff->runs[HEAPPROFILE_OLD], count = diff->runs[side];
    if (count <= 1)
        return count ? view_value(&diff->view, first, measure, row, view) : 0;
    double sum = 0;
    for (size_t c = first; c < first + count; c++)
        sum += (double)view_value(&diff->view, c, measure, row, view);
    return compare_mean(diff, side, sum);
}

uint64_t heapprofile_diff_magnitude(const struct heapprofile_diff *diff, enum heapprofile_side side, uint32_t view) {
    size_t first = side == HEAPPROFILE_OLD ? 0 : diff->runs[HEAPPROFILE_OLD], count = diff->runs[side];
    uint64_t sum = 0;
    for (size_t c = first; c < first + count; c++)
        sum += diff->view.columns[c].magnitude[view] / count;
    return sum;
}
