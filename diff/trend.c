/* Collects the values of rows, one file at a time:
 *
 *   1. the file's samples are summed into rows as for a diff (diff/view), with what sampling adds to them
 *   2. its rows are found by name among those of the files before, and get one point more each
 *   3. all else of the file is forgotten
 *
 * A row that a file does not have gets no point, so memory grows with what the files hold. Locks: none. Allocates with
 * malloc; names lie in a region. */
#include "diff/trend.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "diff/view.h"

static bool no_memory(struct heapprofile_error *error) { return source_fail(error, "out of memory"); }

/* Keeps a text; NULL when there is no memory. */
static const char *keep(struct heapprofile_trend *trend, const char *text) {
    uint32_t id = strtab_intern(&trend->texts, text, strlen(text), NULL);
    return id == PROFILE_NONE ? NULL : trend->texts.strings[id].text;
}

struct heapprofile_trend *heapprofile_trend_open(const struct heapprofile_trend_options *options,
                                                 struct heapprofile_error *error) {
    static const struct heapprofile_trend_options by_default;
    const struct heapprofile_trend_options *asked = options ? options : &by_default;
    struct heapprofile_trend *trend = calloc(1, sizeof *trend);
    if (trend) {
        trend->by = asked->by;
        trend->measure = asked->measure;
        trend->confidence = asked->confidence > 0 ? asked->confidence : 0.95;
        trend->with_warm_up = asked->with_warm_up;
        trend->label = strdup(asked->label ? asked->label : "");
        strtab_init(&trend->texts, &trend->region);
        bool has_name = asked->view && *asked->view;
        trend->view.name = has_name ? keep(trend, asked->view) : NULL;
        enum heapprofile_by keys = asked->by == HEAPPROFILE_BY_STACK ? HEAPPROFILE_BY_FUNCTION : asked->by;
        if (rows_open(&trend->rows, keys) && trend->label && (trend->view.name || !has_name))
            return trend;
    }
    heapprofile_trend_free(trend);
    no_memory(error);
    return NULL;
}

void heapprofile_trend_free(struct heapprofile_trend *trend) {
    if (!trend)
        return;
    trend_forget_fit(trend);
    for (uint32_t i = 0; i < trend->series_count; i++)
        free(trend->series[i].points);
    free(trend->series);
    free(trend->total.points);
    free(trend->files);
    free(trend->processes);
    free(trend->label);
    rows_close(&trend->rows);
    region_free(&trend->region);
    free(trend);
}

/* Where the file has the view; the first file may say which one it is. */
static bool find_view(struct heapprofile_trend *trend, const struct heapprofile *profile, uint32_t *view,
                      struct heapprofile_error *error) {
    char shown[200], path[1024];
    const char *asked = trend->view.name ? trend->view.name : "";
    if (!heapprofile_find_view(profile, asked, view)) {
        text_clean(shown, sizeof shown, asked);
        text_clean(path, sizeof path, heapprofile_facts(profile).name);
        return source_fail(error, "no sample type '%s' in '%s'", shown, path);
    }
    if (trend->view.unit)
        return true;
    struct heapprofile_view found = heapprofile_view(profile, *view);
    const char *name = keep(trend, found.name), *unit = keep(trend, found.unit);
    if (!name || !unit)
        return no_memory(error);
    trend->view = (struct heapprofile_view){name, unit};
    trend->kind = sampled_kind_of(name);
    trend->allocations = trend->kind == SAMPLED_INUSE_SPACE     ? SAMPLED_ALLOC_SPACE
                         : trend->kind == SAMPLED_INUSE_OBJECTS ? SAMPLED_ALLOC_OBJECTS
                                                                : trend->kind;
    return true;
}

static uint32_t find_process(struct heapprofile_trend *trend, const struct heapprofile *profile, int64_t time) {
    const char *instance = heapprofile_facts(profile).instance;
    const char *pid = heapprofile_find_comment(profile, "heaptap_pid=");
    instance = instance ? instance : "";
    uint32_t i = 0;
    while (i < trend->process_count && strcmp(trend->processes[i].instance, instance) != 0)
        i++;
    if (i == trend->process_count) {
        struct trend_process *processes = reallocarray(trend->processes, (size_t)i + 1, sizeof *processes);
        if (!processes)
            return PROFILE_NONE;
        trend->processes = processes;
        processes[i] = (struct trend_process){.instance = keep(trend, instance),
                                              .pid = keep(trend, *instance && pid ? pid : ""),
                                              .first_nanos = time,
                                              .last_nanos = time};
        if (!processes[i].instance || !processes[i].pid)
            return PROFILE_NONE;
        trend->process_count++;
    }
    return i;
}

static struct trend_file *new_file(struct heapprofile_trend *trend) {
    if (trend->file_count == trend->file_capacity) {
        uint32_t capacity = trend->file_capacity * 2 + 64;
        struct trend_file *files = reallocarray(trend->files, capacity, sizeof *files);
        if (!files)
            return NULL;
        trend->files = files;
        trend->file_capacity = capacity;
    }
    return &trend->files[trend->file_count];
}

static bool grow_series(struct heapprofile_trend *trend) {
    uint32_t rows = trend->rows.count, room = rows + rows / 2 + 64;
    if (rows <= trend->series_count)
        return true;
    struct trend_series *series = reallocarray(trend->series, room, sizeof *series);
    if (!series)
        return false;
    memset(series + trend->series_count, 0, (room - trend->series_count) * sizeof *series);
    trend->series = series;
    trend->series_count = room;
    return true;
}

static bool add_point(struct trend_series *series, struct trend_point point) {
    if (series->count == series->capacity) {
        uint32_t capacity = series->capacity + series->capacity / 2 + 4;
        struct trend_point *points = reallocarray(series->points, capacity, sizeof *points);
        if (!points)
            return false;
        series->points = points;
        series->capacity = capacity;
    }
    series->points[series->count++] = point;
    return true;
}

/* A value of the file at hand becomes a point of the series. */
static bool take_value(const struct heapprofile_trend *trend, struct trend_series *series, int64_t value,
                       const struct sampled *noise, const struct sampling *sampling) {
    bool is_known = trend->kind != SAMPLED_OTHER;
    struct estimate number = {0}, allocated = {0};
    if (is_known) {
        number = sampled_estimate(noise, trend->kind, sampling);
        allocated = sampled_estimate(noise, trend->allocations, sampling);
    }
    series->is_unknown |= value && (!is_known || !sampling->rate || number.unknown > 0);
    if (number.density > series->density)
        series->density = number.density;
    if (!value && !(allocated.variance > 0))
        return true;
    return add_point(series, (struct trend_point){.file = trend->file_count,
                                                  .value = value,
                                                  .variance = (float)number.variance,
                                                  .allocated = allocated.variance});
}

/* The row of this name; PROFILE_NONE when there is no memory. */
static uint32_t find_row(struct heapprofile_trend *trend, struct rows *from, uint32_t row) {
    const struct profile_string *key = &from->keys.strings[row];
    const struct row *item = &from->items[row];
    const char *text = from->functions ? rows_name(from, row) : key->text, *file = keep(trend, item->file);
    size_t length = !text ? 0 : from->functions ? strlen(text) : key->length;
    bool is_new;
    uint32_t found = text && file ? rows_find(&trend->rows, text, length, &is_new) : PROFILE_NONE;
    if (found == PROFILE_NONE)
        return PROFILE_NONE;
    if (is_new || *file)
        rows_note_file(&trend->rows, found, is_new, file, item->line);
    trend->rows.items[found].has_other_files |= item->has_other_files;
    return found;
}

static bool take_rows(struct heapprofile_trend *trend, struct view *view) {
    static const struct sampled nothing;
    struct column *column = &view->columns[0];
    /* Of stacks and labels flat and cum are one. */
    bool is_whole = trend->by == HEAPPROFILE_BY_STACK || trend->by == HEAPPROFILE_BY_LABEL;
    bool is_cum = trend->measure == HEAPPROFILE_CUM && !is_whole;
    for (uint32_t i = 0; i < view->rows.count; i++) {
        const struct sampled *sums = noise_find(is_cum ? &column->cum_noise : &column->flat_noise, i);
        int64_t value = view_value(view, 0, trend->measure, i, 0);
        bool has_more = sums && trend->kind != SAMPLED_OTHER &&
                        sampled_estimate(sums, trend->allocations, &column->sampling).variance > 0;
        if (!value && !has_more)
            continue;
        uint32_t row = find_row(trend, &view->rows, i);
        if (row == PROFILE_NONE || !grow_series(trend) ||
            !take_value(trend, &trend->series[row], value, sums ? sums : &nothing, &column->sampling))
            return false;
    }
    return take_value(trend, &trend->total, column->total[0], &column->total_noise, &column->sampling);
}

/* Takes back the points of a file that could not be added whole. */
static void take_back(struct heapprofile_trend *trend) {
    for (uint32_t i = 0; i <= trend->series_count; i++) {
        struct trend_series *series = i < trend->series_count ? &trend->series[i] : &trend->total;
        while (series->count && series->points[series->count - 1].file == trend->file_count)
            series->count--;
    }
}

bool heapprofile_trend_add(struct heapprofile_trend *trend, const struct heapprofile *profile,
                           struct heapprofile_error *error) {
    static const double as_it_is[] = {1};
    struct heapprofile_facts facts = heapprofile_facts(profile);
    uint32_t type;
    trend_forget_fit(trend);
    if (facts.time_nanos <= 0) {
        char path[1024];
        text_clean(path, sizeof path, facts.name);
        return source_fail(error, "'%s' does not say when it was made", path);
    }
    if (!find_view(trend, profile, &type, error))
        return false;
    struct trend_file *file = new_file(trend);
    uint32_t process = find_process(trend, profile, facts.time_nanos);
    const char *name = keep(trend, facts.name);
    struct view view;
    bool ok = view_open(&view, trend->by, trend->label, 1) && file && process != PROFILE_NONE && name;
    view.with_noise = true;
    view.with_cum_noise = trend->measure == HEAPPROFILE_CUM;
    ok = ok && view_add(&view, profile, &type, as_it_is) && view_count(&view) && take_rows(trend, &view);
    view_close(&view);
    if (!ok) {
        take_back(trend);
        return no_memory(error);
    }
    *file = (struct trend_file){name, facts.time_nanos, facts.rate, process};
    struct trend_process *of = &trend->processes[process];
    of->first_nanos = facts.time_nanos < of->first_nanos ? facts.time_nanos : of->first_nanos;
    of->last_nanos = facts.time_nanos > of->last_nanos ? facts.time_nanos : of->last_nanos;
    of->files++;
    trend->file_count++;
    return true;
}

uint32_t heapprofile_trend_processes(const struct heapprofile_trend *trend) { return trend->process_count; }

struct heapprofile_process heapprofile_trend_process(const struct heapprofile_trend *trend, uint32_t process) {
    const struct trend_process *from = &trend->processes[process];
    return (struct heapprofile_process){from->instance, from->pid, from->files, from->first_nanos, from->last_nanos};
}

uint32_t heapprofile_trend_rows(const struct heapprofile_trend *trend) { return trend->rows.count; }

struct heapprofile_row heapprofile_trend_row(const struct heapprofile_trend *trend, uint32_t row) {
    const struct row *item = &trend->rows.items[row];
    return (struct heapprofile_row){.name = trend->rows.keys.strings[row].text,
                                    .file = item->file,
                                    .line = item->line,
                                    .has_other_files = item->has_other_files};
}
