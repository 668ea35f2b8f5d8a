/* Every command is the same few steps on one or more profiles, each a call of the library (include/heapprofile.h):
 *
 *   1. read the files, give names to their frames, take out what drop_frames and the filters say
 *   2. show, diff: compare, order the rows, print them; or, for the proto form, add the profiles up and write one
 *   3. merge, symbolize: the proto form of it
 *
 * The steps are per profile, before anything is added up. That gives what pprof gets by doing them after, because each
 * looks at one sample at a time. drop_frames of the new profile holds for both, as there. Locks: none. */
#include "cli/commands.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/input.h"
#include "cli/output.h"
#include "cli/quantity.h"
#include "cli/summary.h"

static void warn(void *context, const char *subject, const char *text) {
    char shown[4096];
    (void)context;
    text_clean(shown, sizeof shown, subject);
    fprintf(stderr, "heapdiff: warning: '%s' %s\n", shown, text);
}

static void close_files(struct heapprofile **files, size_t count) {
    for (size_t i = 0; i < count; i++)
        heapprofile_free(files[i]);
    free(files);
}

/* Takes out what the last file's drop_frames and the request's filters say. */
static bool filter_files(const struct request *request, struct heapprofile **files, size_t count,
                         struct heapprofile_error *error) {
    for (size_t i = 0; i < count; i++) {
        bool usable;
        if (!heapprofile_drop_frames(files[i], files[count - 1], &usable, error))
            return false;
        /* An expression that cannot be used drops nothing, as in pprof: the profile is still worth showing. */
        if (!usable)
            warn(NULL, heapprofile_facts(files[i]).name, "says to drop frames by an expression that cannot be used");
        if (!heapprofile_filter(files[i], &request->filter, error))
            return false;
    }
    return true;
}

/* A process allocates a little before it is sampled (that of C++ 72 KiB), which is not worth a warning. */
static bool is_far_off(const struct heapprofile_calibration *found, enum quantity_kind kind) {
    double gap = fabs(found->sampled - found->exact), least = kind == QUANTITY_BYTES ? 1024 * 1024 : 10000;
    return found->is_off && gap > least && gap > found->exact / 10;
}

/* Says so when what a file's samples add up to is further from what was counted exactly than sampling explains. Before
 * filters take samples out. */
static void check_calibration(const struct request *request, struct heapprofile *const *files, size_t count) {
    for (size_t i = 0; i < count; i++) {
        struct heapprofile_calibration found;
        uint32_t view;
        char text[300], sampled[QUANTITY_SIZE], exact[QUANTITY_SIZE], name[60];
        if (!heapprofile_find_view(files[i], request->sample_type, &view) ||
            !heapprofile_calibrate(files[i], view, &found))
            continue;
        const struct heapprofile_view shown = heapprofile_view(files[i], view);
        enum quantity_kind kind = quantity_kind_of(shown.unit);
        if (!is_far_off(&found, kind))
            continue;
        text_clean(name, sizeof name, shown.name);
        snprintf(text, sizeof text, "has samples for %s of %s, but %s were counted: was sampling off for a time?",
                 quantity_format(sampled, kind, (int64_t)found.sampled, false), name,
                 quantity_format(exact, kind, (int64_t)found.exact, false));
        warn(NULL, heapprofile_facts(files[i]).name, text);
    }
}

/* Reads, names and, where wanted, filters all files of the request. NULL and one line otherwise. */
static struct heapprofile **open_files(const struct request *request, bool is_filtered,
                                       struct heapprofile_error *error) {
    const struct heapprofile_symbols symbols = {request->debug_dirs, request->debug_dir_count, warn, NULL};
    size_t count = request->path_count;
    struct heapprofile **files = calloc(count + 1, sizeof(void *));
    if (!files || !input_read(request->paths, count, &request->fetch, files, error)) {
        free(files);
        return NULL;
    }
    if (is_filtered && request->form != FORM_PROTO && !request->without_noise)
        check_calibration(request, files, count);
    if ((request->is_verbatim || heapprofile_symbolize(files, count, &symbols, error)) &&
        (!is_filtered || filter_files(request, files, count, error)))
        return files;
    close_files(files, count);
    return NULL;
}

static bool print_summary(const struct request *request, const struct form *form, const struct summary *summary,
                          struct heapprofile_error *error) {
    struct output output;
    if (form->is_page && !request->output && isatty(STDOUT_FILENO)) {
        snprintf(error->text, sizeof error->text, "a page is not written to a terminal: use -o FILE");
        return false;
    }
    if (!output_open(&output, request->output, error))
        return false;
    struct term term = term_open(fileno(output.file), request->color);
    bool ok = form->print(summary, &term, output.file, error);
    return output_close(&output, error) && ok;
}

/* Whether a gate failed. */
static bool check_gates(const struct request *request, const struct summary *summary) {
    enum heapprofile_measure measure = request->by_cum ? HEAPPROFILE_CUM : HEAPPROFILE_FLAT;
    size_t breaches = 0;
    /* The gates' views come behind those that are shown. */
    for (size_t i = 0; i < request->gate_count; i++)
        breaches += gate_check(&request->gates[i], summary->diff, summary->views + (uint32_t)i, measure, stderr);
    for (uint32_t i = 0; request->fails_on_change && i < summary->count && !breaches; i++) {
        struct heapprofile_change change =
            heapprofile_diff_change(summary->diff, summary->order[i], summary->view, measure);
        breaches += change.delta && change.verdict != HEAPPROFILE_NOISE;
    }
    return breaches;
}

static struct heapprofile_pair pair_files(const struct request *request, struct heapprofile **files) {
    size_t old_count = request->old_count;
    return (struct heapprofile_pair){{{files, old_count}, {files + old_count, request->path_count - old_count}}};
}

static struct heapprofile_options choose_options(const struct request *request, const char *const *views,
                                                 size_t view_count) {
    const struct form *form = forms_find(request->form, request->report, request->with_all_views);
    return (struct heapprofile_options){.by = form && form->has_stacks ? HEAPPROFILE_BY_STACK : request->by,
                                        .label = request->label,
                                        .views = views,
                                        .view_count = view_count,
                                        .norm = request->norm,
                                        .work = request->work,
                                        .confidence = request->confidence,
                                        .without_noise = request->without_noise,
                                        .is_aligned = request->is_aligned,
                                        .with_cum_noise =
                                            request->by_cum || (form && (form->has_cum_noise || form->has_cum))};
}

/* Names of the views that are shown, and behind them those of the gates. NULL when there is no memory. */
static const char **choose_views(const struct request *request, const struct form *form, const struct heapprofile *last,
                                 struct summary *summary) {
    uint32_t all = heapprofile_facts(last).views;
    const char **views = calloc(all + request->gate_count + 1, sizeof *views);
    if (!views)
        return NULL;
    views[0] = request->sample_type;
    summary->views = 1;
    /* A view that is not there is refused as everywhere, by its name. */
    summary->with_all_views = (request->with_all_views || form->has_all_views) &&
                              heapprofile_find_view(last, request->sample_type, &summary->view);
    if (summary->with_all_views) {
        summary->views = all;
        for (uint32_t i = 0; i < all; i++)
            views[i] = heapprofile_view(last, i).name;
    }
    for (size_t i = 0; i < request->gate_count; i++)
        views[summary->views + i] = request->gates[i].view;
    return views;
}

/* The comparison of all files, printed and held against the gates. */
static int summarize_files(const struct request *request, struct heapprofile **files, struct heapprofile_error *error) {
    const struct form *form = forms_find(request->form, request->report, request->with_all_views);
    struct summary summary = {.pair = pair_files(request, files),
                              .measure = request->by_cum || form->has_cum ? HEAPPROFILE_CUM : HEAPPROFILE_FLAT,
                              .label = request->label,
                              .most_rows = request->most_rows,
                              .is_filtered = request->filter.focus || request->filter.ignore || request->filter.hide ||
                                             request->filter.show,
                              .confidence = request->confidence > 0 ? request->confidence : 0.95,
                              .subject = request->subject};
    const char **views = choose_views(request, form, files[request->path_count - 1], &summary);
    if (!views)
        return COMMAND_FAILED;
    const struct heapprofile_options options = choose_options(request, views, summary.views + request->gate_count);
    summary.by = options.by;
    summary.diff = heapprofile_diff(&summary.pair, &options, error);
    free(views);
    if (!summary.diff)
        return COMMAND_FAILED;
    summary.order = heapprofile_diff_rank(summary.diff, summary.view, summary.measure, &summary.count);
    bool ok = summary.order && print_summary(request, form, &summary, error);
    int status = !ok ? COMMAND_FAILED : check_gates(request, &summary) ? COMMAND_GATE : COMMAND_OK;
    heapprofile_diff_free(summary.diff);
    return status;
}

static bool write_profile(const struct request *request, const struct heapprofile *profile,
                          struct heapprofile_error *error) {
    struct output output;
    if (!request->output && isatty(STDOUT_FILENO)) {
        snprintf(error->text, sizeof error->text, "a profile is not written to a terminal: use -o FILE");
        return false;
    }
    if (!output_open(&output, request->output, error))
        return false;
    /* What fails is told by the output, which knows its own name, or else by the writer. */
    bool ok = heapprofile_write(profile, output_sink, &output, error);
    return output_close(&output, error) && ok;
}

static bool write_sum(const struct request *request, const struct heapprofile_term *terms, size_t count,
                      struct heapprofile_error *error) {
    struct heapprofile *sum = heapprofile_add(terms, count, error);
    bool ok = sum && write_profile(request, sum, error);
    heapprofile_free(sum);
    return ok;
}

/* Each file's values by what normalization says; of several files a side, their mean. */
static bool scale_terms(const struct request *request, struct heapprofile **files, struct heapprofile_term *terms,
                        struct heapprofile_diff **diff, struct heapprofile_error *error) {
    struct heapprofile_pair pair = pair_files(request, files);
    struct heapprofile_options options = choose_options(request, NULL, 0);
    options.without_noise = true;
    if (request->norm == HEAPPROFILE_AS_IT_IS)
        return true;
    if (!(*diff = heapprofile_diff(&pair, &options, error)))
        return false;
    for (size_t i = 0; i < request->path_count; i++)
        terms[i].scales = heapprofile_diff_scales(*diff, i);
    return true;
}

/* NEW less OLD, in pprof's order: what is new comes first. */
static bool write_difference(const struct request *request, struct heapprofile **files,
                             struct heapprofile_error *error) {
    size_t count = request->path_count, old_count = request->old_count, new_count = count - old_count;
    struct heapprofile_term *terms = calloc(count, sizeof *terms), *ordered = calloc(count, sizeof *ordered);
    struct heapprofile_diff *diff = NULL;
    bool ok = terms && ordered;
    for (size_t i = 0; ok && i < count; i++) {
        bool is_old = i < old_count;
        terms[i] = (struct heapprofile_term){.profile = files[i],
                                             .scale = is_old ? -1.0 / (double)old_count : 1.0 / (double)new_count,
                                             .is_base = is_old && !request->is_subtraction};
    }
    ok = ok && scale_terms(request, files, terms, &diff, error);
    for (size_t i = 0; ok && i < count; i++)
        ordered[i] = terms[(i + old_count) % count];
    ok = ok && write_sum(request, ordered, count, error);
    heapprofile_diff_free(diff);
    free(terms);
    free(ordered);
    return ok;
}

static int status_of(bool ok) { return ok ? COMMAND_OK : COMMAND_FAILED; }

int command_show(const struct request *request, struct heapprofile_error *error) {
    struct heapprofile **files = open_files(request, true, error);
    if (!files)
        return COMMAND_FAILED;
    int status = request->form == FORM_PROTO ? status_of(write_profile(request, files[0], error))
                                             : summarize_files(request, files, error);
    close_files(files, request->path_count);
    return status;
}

int command_diff(const struct request *request, struct heapprofile_error *error) {
    struct heapprofile **files = open_files(request, true, error);
    if (!files)
        return COMMAND_FAILED;
    int status = request->form == FORM_PROTO ? status_of(write_difference(request, files, error))
                                             : summarize_files(request, files, error);
    close_files(files, request->path_count);
    return status;
}

int command_symbolize(const struct request *request, struct heapprofile_error *error) {
    struct heapprofile **files = open_files(request, false, error);
    if (!files)
        return COMMAND_FAILED;
    bool ok = write_profile(request, files[0], error);
    close_files(files, request->path_count);
    return status_of(ok);
}

int command_merge(const struct request *request, struct heapprofile_error *error) {
    struct heapprofile **files = open_files(request, false, error);
    struct heapprofile_term *terms = calloc(request->path_count, sizeof *terms);
    for (size_t i = 0; files && terms && i < request->path_count; i++)
        terms[i] = (struct heapprofile_term){.profile = files[i], .scale = 1};
    bool ok = files && terms && write_sum(request, terms, request->path_count, error);
    if (files)
        close_files(files, request->path_count);
    free(terms);
    return status_of(ok);
}
