/* NEW is scaled and OLD stays, as with -normalize of pprof; and as there a total is that of the file, before filters.
 * Each file of NEW has a scale of its own, so that runs of different lengths can be compared.
 *
 * Locks, allocation: none. */
#include "diff/normalize.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* heaptap's files are of all that happened since the process began, and say when that was. */
static double find_duration(const struct heapprofile *source) {
    const char *start = heapprofile_find_comment(source, "heaptap_start_time_nanos=");
    if (source->profile.duration_nanos || !start)
        return (double)source->profile.duration_nanos;
    return (double)source->profile.time_nanos - strtod(start, NULL);
}

/* What a file's values are per: 0 when it does not say. */
static double find_basis(const struct heapprofile *source, const struct heapprofile_options *options, uint32_t type) {
    char prefix[300];
    if (options->norm == HEAPPROFILE_BY_TOTAL)
        return (double)source_total(source, type);
    if (options->norm == HEAPPROFILE_BY_TIME)
        return find_duration(source);
    snprintf(prefix, sizeof prefix, "heaptap_work_%.200s=", options->work ? options->work : "");
    const char *text = heapprofile_find_comment(source, prefix);
    return text ? strtod(text, NULL) : 0;
}

static bool fail(const struct heapprofile *source, const struct heapprofile_options *options,
                 struct heapprofile_error *error) {
    char path[800], work[200];
    text_clean(path, sizeof path, source->name);
    text_clean(work, sizeof work, options->work ? options->work : "");
    if (options->norm == HEAPPROFILE_BY_TOTAL)
        return source_fail(error, "cannot normalize by total: that of '%s' is 0", path);
    if (options->norm == HEAPPROFILE_BY_TIME)
        return source_fail(error, "cannot normalize by time: '%s' does not say how long it covers", path);
    return source_fail(error, "cannot normalize by work: '%s' has not counted any '%s'", path, work);
}

/* The mean of OLD's files in one view; 0 and the line when one of them does not say. */
static double find_old_basis(const struct heapprofile_diff *diff, const struct heapprofile_pair *pair,
                             const struct heapprofile_options *options, uint32_t view,
                             struct heapprofile_error *error) {
    double sum = 0;
    const struct heapprofile_runs *old = &pair->runs[HEAPPROFILE_OLD];
    for (size_t c = 0; c < old->count; c++) {
        double basis = find_basis(old->profiles[c], options, diff->types[c * diff->view.views + view]);
        if (!(basis > 0) && options->norm != HEAPPROFILE_BY_TOTAL) {
            fail(old->profiles[c], options, error);
            return 0;
        }
        sum += basis / (double)old->count;
    }
    return sum;
}

static bool scale_view(struct heapprofile_diff *diff, const struct heapprofile_pair *pair,
                       const struct heapprofile_options *options, uint32_t view, struct heapprofile_error *error) {
    const struct heapprofile_runs *new = &pair->runs[HEAPPROFILE_NEW];
    size_t first = pair->runs[HEAPPROFILE_OLD].count;
    bool by_total = options->norm == HEAPPROFILE_BY_TOTAL;
    double old_basis = find_old_basis(diff, pair, options, view, error);
    if (!by_total && old_basis == 0)
        return false;
    for (size_t i = 0; i < new->count; i++) {
        size_t slot = (first + i) * diff->view.views + view;
        double basis = find_basis(new->profiles[i], options, diff->types[slot]);
        /* A total of 0 stays 0, whatever it is multiplied by; that of a view which nobody looks at must not end it all.
         */
        if (basis == 0 && !by_total)
            return fail(new->profiles[i], options, error);
        diff->scales[slot] = basis == 0 ? 0 : old_basis / basis;
    }
    return true;
}

bool normalize_find(struct heapprofile_diff *diff, const struct heapprofile_pair *pair,
                    const struct heapprofile_options *options, struct heapprofile_error *error) {
    size_t columns = pair->runs[HEAPPROFILE_OLD].count + pair->runs[HEAPPROFILE_NEW].count;
    for (size_t i = 0; i < columns * diff->view.views; i++)
        diff->scales[i] = 1;
    if (options->norm == HEAPPROFILE_AS_IT_IS)
        return true;
    if (!pair->runs[HEAPPROFILE_OLD].count)
        return source_fail(error, "cannot normalize one profile: two are needed");
    for (uint32_t view = 0; view < diff->view.views; view++)
        if (!scale_view(diff, pair, options, view, error))
            return false;
    return true;
}
