/* Locks: none. Allocates with malloc. */
#include "cli/summary.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/wrap.h"

const char *const summary_by_names[] = {
    [HEAPPROFILE_BY_FUNCTION] = "function", [HEAPPROFILE_BY_LINE] = "line",       [HEAPPROFILE_BY_FILE] = "file",
    [HEAPPROFILE_BY_PACKAGE] = "package",   [HEAPPROFILE_BY_MAPPING] = "mapping", [HEAPPROFILE_BY_STACK] = "stack",
    [HEAPPROFILE_BY_LABEL] = "label"};

const char *summary_head(const struct summary *summary) {
    return summary->by == HEAPPROFILE_BY_LABEL ? summary->label : summary_by_names[summary->by];
}

enum importance { UNCHANGED, NOISE, CHANGED };

static enum importance find_importance(const struct summary *summary, uint32_t row) {
    struct heapprofile_change change = summary_change(summary, row);
    if (!summary_is_diff(summary))
        return CHANGED;
    if (change.before == change.after)
        return UNCHANGED;
    return change.verdict == HEAPPROFILE_NOISE ? NOISE : CHANGED;
}

static void leave_out(const struct summary *summary, struct selection *selection, uint32_t row) {
    struct heapprofile_change change = summary_change(summary, row);
    selection->rest++;
    selection->rest_changed += change.verdict == HEAPPROFILE_CHANGED;
    if (summary->measure == HEAPPROFILE_FLAT)
        selection->rest_sum = wrap_add(selection->rest_sum, change.delta);
}

bool summary_select(const struct summary *summary, struct selection *selection) {
    size_t changed = 0, taken[CHANGED + 1] = {0}, most[CHANGED + 1];
    uint64_t room = summary->most_rows ? summary->most_rows : UINT64_MAX;
    *selection = (struct selection){.rows = calloc((size_t)summary->count + 1, sizeof *selection->rows)};
    if (!selection->rows)
        return false;
    for (uint32_t i = 0; summary->most_rows && i < summary->count && changed < room; i++)
        changed += find_importance(summary, summary->order[i]) == CHANGED;
    most[CHANGED] = summary->most_rows ? changed : SIZE_MAX;
    most[NOISE] = summary->most_rows ? room - changed : SIZE_MAX;
    most[UNCHANGED] = summary->most_rows ? 0 : SIZE_MAX;
    for (uint32_t i = 0; i < summary->count; i++) {
        enum importance importance = find_importance(summary, summary->order[i]);
        if (taken[importance]++ < most[importance])
            selection->rows[selection->count++] = summary->order[i];
        else
            leave_out(summary, selection, summary->order[i]);
    }
    return true;
}

bool summary_half_interval(const struct heapprofile_change *change, int64_t *half) {
    if (change->verdict == HEAPPROFILE_UNKNOWN)
        return false;
    double size = fmax((double)change->delta - change->low, change->high - (double)change->delta);
    /* The interval of a change does not reach 0, which its other half alone would hide. */
    if (change->verdict == HEAPPROFILE_CHANGED && size > fabs((double)change->delta))
        size = fabs((double)change->delta);
    if (!(size < 0x1p63))
        return false;
    *half = size > 0 ? (int64_t)size : 0;
    return true;
}

/* The last two parts of a path tell a reader what he needs; JSON has the whole. */
static const char *shorten_path(const char *path) {
    const char *slash = strrchr(path, '/');
    while (slash && slash > path && slash[-1] != '/')
        slash--;
    return slash && slash > path ? slash : path;
}

void summary_place(const struct heapprofile_row *row, char out[SUMMARY_PLACE_SIZE]) {
    out[0] = 0;
    if (row->has_other_files)
        strcpy(out, "[several files]");
    else if (*row->file && row->line)
        snprintf(out, SUMMARY_PLACE_SIZE, "%.4000s:%ld", shorten_path(row->file), (long)row->line);
    else if (*row->file)
        snprintf(out, SUMMARY_PLACE_SIZE, "%.4000s", shorten_path(row->file));
}
