/* With 200,000 samples of 40 frames the loop over samples is 8 million array steps; hashing frames would be the whole
 * cost, so it sees numbers of rows only (diff/frames).
 *
 * view_add:
 *   1. location -> slice of rows, once a profile; this makes the rows, so profiles come one after the other
 * view_count, for all profiles at once on several threads, for each writes to its own column:
 *   2. sample: its values are added to cum of every row that does not carry this sample's mark yet, and to flat of the
 * first row. The mark is the sample's number, so nothing is cleared between samples
 *
 * A stack view hashes one sequence a sample, and makes its rows in step 2, as a label view does: on one thread.
 *
 * Locks: none. Allocates with malloc. */
#include "diff/view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"
#include "base/wrap.h"
#include "proto/merge.h"

/* One column on its way. */
struct adding {
    struct view *view;
    struct column *column;
    const struct profile *profile;
    int64_t *values; /* by view: of the sample at hand */
    struct sampled sample;
    struct sampled_weights weights;
    uint32_t *marks; /* by row: number of the last sample that counted there, plus 1 */
    uint32_t *sequence;
    size_t capacity, length;
    char *key;
};

enum { LABEL_KEY_SIZE = 4096, FETCH_AHEAD = 4 /* samples */ };

bool view_open(struct view *view, enum heapprofile_by by, const char *label, uint32_t views) {
    *view = (struct view){.label = label, .views = views};
    return rows_open(&view->rows, by);
}

static void close_column(struct column *column) {
    frames_close(&column->frames);
    if (column->cum != column->flat)
        free(column->cum);
    free(column->flat);
    free(column->total);
    free(column->magnitude);
    noise_close(&column->flat_noise);
    noise_close(&column->cum_noise);
}

void view_close(struct view *view) {
    for (size_t i = 0; i < view->column_count; i++)
        close_column(&view->columns[i]);
    free(view->columns);
    rows_close(&view->rows);
}

/* Values and noise of the next sample, and the totals. */
static void take_sample(struct adding *adding, uint32_t index) {
    const int64_t *values = adding->profile->values + (size_t)index * adding->profile->sample_type_count;
    struct column *column = adding->column;
    for (uint32_t t = 0; t < adding->view->views; t++) {
        int64_t value = merge_scale(values[column->types[t]], column->scales[t]);
        adding->values[t] = value;
        column->total[t] = wrap_add(column->total[t], value);
        column->magnitude[t] += wrap_magnitude(value);
    }
    if (!adding->view->with_noise)
        return;
    adding->sample = sampling_read(&column->sampling, &adding->weights, index);
    sampled_add(&column->total_noise, &adding->sample);
}

static void add_to(const struct adding *adding, int64_t *sums, uint32_t row) {
    uint32_t views = adding->view->views;
    for (uint32_t t = 0; t < views; t++)
        sums[(size_t)row * views + t] = wrap_add(sums[(size_t)row * views + t], adding->values[t]);
}

/* One view and no inlined calls, which is the usual case, in half the time. */
static void add_flat_stack(struct adding *adding, const uint32_t *location, uint32_t count, uint32_t mark) {
    const uint32_t *rows = adding->column->frames.rows;
    uint32_t *marks = adding->marks;
    int64_t *cum = adding->column->cum, value = adding->values[0];
    for (uint32_t k = 0; k < count; k++) {
        uint32_t row = rows[location[k]];
        if (marks[row] == mark)
            continue;
        marks[row] = mark;
        cum[row] = wrap_add(cum[row], value);
    }
}

/* Takes from the sequence what carries the sample's mark already, and asks for the memory of the rest: the sums of all
 * rows are more than a cache holds. */
static void mark_rows(struct adding *adding, uint32_t mark) {
    const struct column *column = adding->column;
    size_t kept = 0;
    for (size_t i = 0; i < adding->length; i++) {
        uint32_t row = adding->sequence[i];
        if (adding->marks[row] == mark)
            continue;
        adding->marks[row] = mark;
        __builtin_prefetch(&column->cum[(size_t)row * adding->view->views], 1);
        noise_prefetch(&column->cum_noise, row);
        adding->sequence[kept++] = row;
    }
    adding->length = kept;
}

static bool add_any_stack(struct adding *adding, const struct profile_sample *sample, uint32_t mark) {
    struct column *column = adding->column;
    if (!frames_sequence(&column->frames, adding->profile, sample, &adding->sequence, &adding->capacity,
                         &adding->length))
        return false;
    mark_rows(adding, mark);
    for (size_t i = 0; i < adding->length; i++) {
        add_to(adding, column->cum, adding->sequence[i]);
        if (adding->view->with_cum_noise && !noise_add(&column->cum_noise, adding->sequence[i], &adding->sample))
            return false;
    }
    return true;
}

/* The sums of a later sample's leaf, which lie anywhere. */
static void fetch_leaf(const struct adding *adding, uint32_t index) {
    const struct frames *frames = &adding->column->frames;
    if (index >= adding->profile->sample_count)
        return;
    const struct profile_sample *sample = &adding->profile->samples[index];
    if (sample->location_count)
        noise_prefetch(&adding->column->flat_noise,
                       frames->rows[frames->first[adding->profile->location_ids[sample->first_location]]]);
}

static bool add_frames(struct adding *adding, uint32_t index) {
    const struct profile_sample *sample = &adding->profile->samples[index];
    const uint32_t *location = adding->profile->location_ids + sample->first_location;
    struct column *column = adding->column;
    fetch_leaf(adding, index + FETCH_AHEAD);
    if (column->frames.is_flat && adding->view->views == 1 && !adding->view->with_cum_noise)
        add_flat_stack(adding, location, sample->location_count, index + 1);
    else if (!add_any_stack(adding, sample, index + 1))
        return false;
    if (!sample->location_count)
        return true;
    uint32_t leaf = column->frames.rows[column->frames.first[location[0]]];
    add_to(adding, column->flat, leaf);
    return !adding->view->with_noise || noise_add(&column->flat_noise, leaf, &adding->sample);
}

/* Room for rows that come up while samples are added: of stacks and labels. */
static bool grow_column(struct adding *adding, uint32_t row) {
    struct column *column = adding->column;
    if (row < column->rows)
        return true;
    size_t rows = (size_t)row * 2 + 256, views = adding->view->views;
    int64_t *sums = reallocarray(column->flat, rows * views, sizeof *sums);
    if (!sums)
        return false;
    memset(sums + column->rows * views, 0, (rows - column->rows) * views * sizeof *sums);
    column->flat = column->cum = sums;
    column->rows = (uint32_t)(rows < UINT32_MAX ? rows : UINT32_MAX);
    return true;
}

static bool add_whole(struct adding *adding, uint32_t row) {
    if (row == PROFILE_NONE || !grow_column(adding, row))
        return false;
    add_to(adding, adding->column->flat, row);
    return !adding->view->with_noise || noise_add(&adding->column->flat_noise, row, &adding->sample);
}

static bool add_stack(struct adding *adding, uint32_t index) {
    struct rows *rows = &adding->view->rows;
    if (!frames_sequence(&adding->column->frames, adding->profile, &adding->profile->samples[index], &adding->sequence,
                         &adding->capacity, &adding->length))
        return false;
    if (!adding->length)
        return true;
    bool is_new;
    uint32_t row = rows_find(rows, (const char *)adding->sequence, adding->length * sizeof *adding->sequence, &is_new);
    if (row != PROFILE_NONE && is_new) {
        const struct row *leaf = &rows->functions->items[adding->sequence[0]];
        rows_note_file(rows, row, true, leaf->file, leaf->line);
    }
    return add_whole(adding, row);
}

/* Samples without the label are a row of their own. */
static bool add_label(struct adding *adding, uint32_t index) {
    const struct profile_sample *sample = &adding->profile->samples[index];
    uint32_t found = 0;
    for (uint32_t i = 0; i < sample->label_count; i++) {
        const struct profile_label *label = &adding->profile->labels[sample->first_label + i];
        if (strcmp(profile_text(adding->profile, label->key), adding->view->label) != 0)
            continue;
        int length = label->text
                         ? snprintf(adding->key, LABEL_KEY_SIZE, "%s", profile_text(adding->profile, label->text))
                         : snprintf(adding->key, LABEL_KEY_SIZE, "%ld%s", (long)label->number,
                                    profile_text(adding->profile, label->unit));
        size_t used = length < LABEL_KEY_SIZE ? (size_t)length : LABEL_KEY_SIZE - 1;
        uint32_t row = rows_find(&adding->view->rows, adding->key, used, NULL);
        found++;
        if (!add_whole(adding, row))
            return false;
    }
    static const char none[] = "[none]";
    return found || add_whole(adding, rows_find(&adding->view->rows, none, sizeof none - 1, NULL));
}

static bool add_samples(struct adding *adding) {
    enum heapprofile_by by = adding->view->rows.by;
    for (uint32_t i = 0; i < adding->profile->sample_count; i++) {
        take_sample(adding, i);
        if (by == HEAPPROFILE_BY_STACK) {
            if (!add_stack(adding, i))
                return false;
        } else if (by == HEAPPROFILE_BY_LABEL) {
            if (!add_label(adding, i))
                return false;
        } else if (!add_frames(adding, i)) {
            return false;
        }
    }
    return true;
}

static bool open_column(struct view *view, struct column *column) {
    struct rows *rows = view->rows.functions ? view->rows.functions : &view->rows;
    bool by_label = view->rows.by == HEAPPROFILE_BY_LABEL;
    if (!by_label && !frames_open(&column->frames, rows, column->source))
        return false;
    column->rows = view->rows.count;
    size_t room = (size_t)column->rows + 1;
    bool is_whole = by_label || view->rows.functions;
    column->flat = calloc(room * view->views, sizeof *column->flat);
    column->cum = is_whole ? column->flat : calloc(room * view->views, sizeof *column->cum);
    column->total = calloc(view->views + 1, sizeof *column->total);
    column->magnitude = calloc(view->views + 1, sizeof *column->magnitude);
    return column->flat && column->cum && column->total && column->magnitude;
}

bool view_add(struct view *view, const struct heapprofile *source, const uint32_t *types, const double *scales) {
    struct column *columns = reallocarray(view->columns, view->column_count + 1, sizeof *columns);
    if (!columns)
        return false;
    view->columns = columns;
    struct column *column = &columns[view->column_count++];
    *column = (struct column){.source = source, .types = types, .scales = scales};
    column->sampling = sampling_find(source);
    return open_column(view, column);
}

static void count_column(void *context, size_t index) {
    struct view *view = context;
    struct column *column = &view->columns[index];
    const struct rows *rows = view->rows.functions ? view->rows.functions : &view->rows;
    struct adding adding = {.view = view, .column = column, .profile = &column->source->profile};
    adding.marks = calloc((size_t)rows->count + 1, sizeof *adding.marks);
    adding.values = calloc(view->views + 1, sizeof *adding.values);
    adding.key = malloc(LABEL_KEY_SIZE);
    column->is_counted = adding.marks && adding.values && adding.key && add_samples(&adding);
    free(adding.marks);
    free(adding.values);
    free(adding.sequence);
    free(adding.key);
}

bool view_count(struct view *view) {
    bool makes_rows = view->rows.by == HEAPPROFILE_BY_STACK || view->rows.by == HEAPPROFILE_BY_LABEL;
    bool ok = true;
    if (!makes_rows)
        parallel_run(view->column_count, count_column, view);
    for (size_t i = 0; i < view->column_count; i++) {
        if (makes_rows)
            count_column(view, i);
        ok = ok && view->columns[i].is_counted;
    }
    return ok;
}

bool view_has_row(const struct view *view, size_t column, uint32_t row) {
    const struct column *from = &view->columns[column];
    for (uint32_t t = 0; row < from->rows && t < view->views; t++)
        if (from->flat[(size_t)row * view->views + t] || from->cum[(size_t)row * view->views + t])
            return true;
    return false;
}

/* An array of `stride` bytes a row, zero-filled from `rows` to `count`. False when there is no memory. */
static bool extend(void **array, size_t rows, size_t count, size_t stride) {
    if (!*array)
        return true;
    char *larger = reallocarray(*array, count + 1, stride);
    if (!larger)
        return false;
    memset(larger + rows * stride, 0, (count + 1 - rows) * stride);
    *array = larger;
    return true;
}

/* Gives a column all rows that there are by now. */
static bool extend_column(const struct view *view, struct column *column) {
    size_t count = view->rows.count, values = view->views * sizeof *column->flat;
    size_t rows = column->rows < count ? column->rows : count;
    if (!extend((void **)&column->flat, rows, count, values) || !extend((void **)&column->cum, rows, count, values))
        return false;
    column->rows = (uint32_t)count;
    return true;
}

static void move_values(int64_t *values, uint32_t views, uint32_t from, uint32_t to) {
    for (uint32_t t = 0; t < views; t++) {
        int64_t *value = &values[(size_t)from * views + t];
        values[(size_t)to * views + t] = wrap_add(values[(size_t)to * views + t], *value);
        *value = 0;
    }
}

bool view_rename(struct view *view, const uint32_t *alias) {
    for (size_t c = 0; c < view->column_count; c++) {
        struct column *column = &view->columns[c];
        uint32_t frames = column->frames.first ? column->frames.first[column->source->profile.location_count] : 0;
        if (!extend_column(view, column))
            return false;
        for (uint32_t row = 0; row < column->rows; row++) {
            if (alias[row] == row)
                continue;
            move_values(column->flat, view->views, row, alias[row]);
            move_values(column->cum, view->views, row, alias[row]);
            if (!noise_move(&column->flat_noise, row, alias[row]) || !noise_move(&column->cum_noise, row, alias[row]))
                return false;
        }
        for (uint32_t i = 0; i < frames; i++)
            column->frames.rows[i] = alias[column->frames.rows[i]];
    }
    return true;
}
