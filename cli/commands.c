/* Every command is the same few steps on one or more profiles:
 *
 *   1. read the file, give names to its frames, take out what drop_frames and the filters say
 *   2. show, diff: sum into a view, order it, print it; or, for the proto form, add the profiles up and write
 * one
 *   3. merge, symbolize: the proto form of it
 *
 * The steps are per profile, before anything is added up. That gives what pprof gets by doing them after,
 * because each looks at one sample at a time. drop_frames of the new profile holds for both, as there. Locks:
 * none. */
#include "cli/commands.h"

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/json.h"
#include "cli/output.h"
#include "cli/summary.h"
#include "cli/table.h"
#include "proto/filter.h"
#include "proto/merge.h"
#include "proto/writer.h"
#include "symbolizer/symbolizer.h"

enum { GZIP_LEVEL = 1, SHOWN_NAME = 200 };

static void warn(void *context, const char *subject, const char *text) {
    char shown[4096];
    (void)context;
    term_clean(shown, sizeof shown, subject);
    fprintf(stderr, "heapdiff: warning: '%s' %s\n", shown, text);
}

static void close_files(struct loaded *files, size_t count) {
    for (size_t i = 0; i < count; i++)
        load_free(&files[i]);
    free(files);
}

/* Puts the drop and keep expressions of one profile in the place of another's. False when there is no memory.
 */
static bool copy_drop_frames(const struct profile *from, struct profile *to) {
    string_id ids[2] = {from->drop_frames, from->keep_frames};
    size_t count = to->string_count;
    struct profile_string *strings = region_alloc(&to->region, (count + 2) * sizeof *strings);
    if (!strings)
        return false;
    memcpy(strings, to->strings, count * sizeof *strings);
    for (int i = 0; i < 2; i++) {
        const struct profile_string *text = &from->strings[ids[i]];
        char *copy = region_alloc(&to->region, (size_t)text->length + 1);
        if (!copy)
            return false;
        memcpy(copy, text->text, text->length);
        strings[count + (size_t)i] = (struct profile_string){copy, text->length};
    }
    to->strings = strings;
    to->drop_frames = (string_id)count;
    to->keep_frames = (string_id)count + 1;
    to->string_count += 2;
    return true;
}

/* Names the option whose expression is malformed. */
static void describe_filter(const struct filter *filter, const struct proto_error *failure,
                            char error[LOAD_ERROR_SIZE]) {
    const struct {
        const char *option, *expression;
    } all[] = {{"focus", filter->focus}, {"ignore", filter->ignore}, {"hide", filter->hide}, {"show", filter->show}};
    snprintf(error, LOAD_ERROR_SIZE, "cannot filter by name: %s", failure->text);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        regex_t regex;
        char shown[SHOWN_NAME], why[SHOWN_NAME];
        int code = all[i].expression ? regcomp(&regex, all[i].expression, REG_EXTENDED | REG_NOSUB) : 0;
        if (all[i].expression && !code)
            regfree(&regex);
        if (!code)
            continue;
        regerror(code, &regex, why, sizeof why);
        term_clean(shown, sizeof shown, all[i].expression);
        snprintf(error, LOAD_ERROR_SIZE, "bad expression '%s' for '--%s': %s", shown, all[i].option, why);
        return;
    }
}

/* Takes out what the last file's drop_frames and the request's filters say. */
static bool filter_files(const struct request *request, struct loaded *files, size_t count,
                         char error[LOAD_ERROR_SIZE]) {
    const struct filter filter = {request->focus, request->ignore, request->hide, request->show};
    bool is_filtered = filter.focus || filter.ignore || filter.hide || filter.show;
    const struct profile *last = &files[count - 1].profile;
    for (size_t i = 0; i < count; i++) {
        struct proto_error failure = {0};
        struct profile *profile = &files[i].profile;
        if (profile != last && (last->drop_frames || profile->drop_frames) && !copy_drop_frames(last, profile))
            return false;
        /* An expression that cannot be used drops nothing, as in pprof: the profile is still worth showing.
         */
        if (!filter_drop_frames(profile, &failure))
            warn(NULL, files[i].path, "says to drop frames by an expression that cannot be used");
        failure = (struct proto_error){0};
        if (is_filtered && !filter_apply(profile, &filter, &failure)) {
            describe_filter(&filter, &failure, error);
            return false;
        }
    }
    return true;
}

/* Reads, names and, where wanted, filters all files of the request. NULL and one line otherwise. */
static struct loaded *open_files(const struct request *request, bool is_filtered, char error[LOAD_ERROR_SIZE]) {
    size_t count = 0;
    struct module_search search = {request->debug_dirs, request->debug_dir_count};
    struct loaded *files = calloc(request->path_count + 1, sizeof *files);
    struct symbolizer *symbolizer = symbolizer_open(&search, warn, NULL);
    bool ok = files && symbolizer;
    while (ok && count < request->path_count) {
        struct loaded *file = &files[count];
        ok = load_profile(request->paths[count], file, error);
        count += ok;
        ok = ok && (request->is_verbatim || symbolizer_run(symbolizer, &file->profile, file->bases));
    }
    symbolizer_close(symbolizer);
    if (ok && (!is_filtered || filter_files(request, files, count, error)))
        return files;
    if (files)
        close_files(files, count);
    return NULL;
}

/* pprof's rule: the name itself, or, in files with the older names, the name without "inuse_". */
static uint32_t find_sample_type(const struct profile *profile, const char *name) {
    if (name && *name) {
        uint32_t index = profile_find_sample_type(profile, name);
        bool is_inuse = strncmp(name, "inuse_", 6) == 0;
        return index == PROFILE_NONE && is_inuse ? profile_find_sample_type(profile, name + 6) : index;
    }
    const char *by_default = profile_text(profile, profile->default_sample_type);
    uint32_t index = *by_default ? profile_find_sample_type(profile, by_default) : PROFILE_NONE;
    return index == PROFILE_NONE ? profile->sample_type_count - 1 : index;
}

static bool choose_sample_type(const struct loaded *file, const char *name, uint32_t *index,
                               char error[LOAD_ERROR_SIZE]) {
    const struct profile *profile = &file->profile;
    char path[SHOWN_NAME * 4], shown[SHOWN_NAME];
    term_clean(path, sizeof path, file->path);
    if (!profile->sample_type_count) {
        snprintf(error, LOAD_ERROR_SIZE, "no sample types in '%s'", path);
        return false;
    }
    *index = find_sample_type(profile, name);
    if (*index != PROFILE_NONE)
        return true;
    term_clean(shown, sizeof shown, name);
    size_t used = (size_t)snprintf(error, LOAD_ERROR_SIZE, "no sample type '%s' in '%s', which has", shown, path);
    for (uint32_t i = 0; i < profile->sample_type_count && used < LOAD_ERROR_SIZE - SHOWN_NAME - 8; i++) {
        term_clean(shown, sizeof shown, profile_text(profile, profile->sample_types[i].type));
        used += (size_t)snprintf(error + used, LOAD_ERROR_SIZE - used, "%s %s", i ? "," : "", shown);
    }
    return false;
}

static bool print_summary(const struct request *request, const struct summary *summary, char error[LOAD_ERROR_SIZE]) {
    struct output output;
    if (!output_open(&output, request->output, error))
        return false;
    struct term term = term_open(fileno(output.file), request->color);
    bool ok =
        request->format == FORMAT_JSON ? json_print(summary, output.file) : table_print(summary, &term, output.file);
    return output_close(&output, error) && ok;
}

/* The summary of the last file, against the first one if there are two. */
static bool summarize_files(const struct request *request, const struct loaded *files, char error[LOAD_ERROR_SIZE]) {
    const struct loaded *old_file = request->path_count > 1 ? &files[0] : NULL;
    const struct loaded *new_file = &files[request->path_count - 1];
    uint32_t old_type = 0, new_type;
    if (!choose_sample_type(new_file, request->sample_type, &new_type, error))
        return false;
    const struct profile_value_type *type = &new_file->profile.sample_types[new_type];
    const char *type_name = profile_text(&new_file->profile, type->type);
    if (old_file && !choose_sample_type(old_file, type_name, &old_type, error))
        return false;
    struct view view;
    struct summary summary = {.view = &view,
                              .rule = {.is_diff = old_file != NULL, .by_cum = request->by_cum},
                              .files = {old_file, new_file},
                              .sample_type = type_name,
                              .unit = profile_text(&new_file->profile, type->unit),
                              .most_rows = request->most_rows};
    bool ok = view_open(&view, request->by) && (!old_file || view_add(&view, old_file, old_type, VIEW_OLD)) &&
              view_add(&view, new_file, new_type, VIEW_NEW) && rank_rows(&view, summary.rule, &summary.rank);
    ok = ok && print_summary(request, &summary, error);
    rank_free(&summary.rank);
    view_close(&view);
    return ok;
}

static bool write_profile(const struct request *request, const struct profile *profile, char error[LOAD_ERROR_SIZE]) {
    struct output output;
    struct proto_error failure = {0};
    if (!request->output && isatty(STDOUT_FILENO)) {
        snprintf(error, LOAD_ERROR_SIZE, "a profile is not written to a terminal: use -o FILE");
        return false;
    }
    if (!output_open(&output, request->output, error))
        return false;
    bool ok = writer_write_profile(profile, output_sink, &output, GZIP_LEVEL, &failure);
    bool is_flushed = output_close(&output, error);
    if (!ok && is_flushed)
        load_describe(&failure, "write", request->output ? request->output : "standard output", error);
    return ok && is_flushed;
}

static bool write_sum(const struct request *request, const struct merge_input *inputs, size_t count,
                      char error[LOAD_ERROR_SIZE]) {
    struct profile sum = {0};
    struct proto_error failure = {0};
    if (!merge_profiles(inputs, count, &sum, &failure)) {
        snprintf(error, LOAD_ERROR_SIZE, "cannot add up the profiles: %s", failure.text);
        return false;
    }
    bool ok = write_profile(request, &sum, error);
    profile_free(&sum);
    return ok;
}

static bool write_difference(const struct request *request, const struct loaded *files, char error[LOAD_ERROR_SIZE]) {
    struct merge_input inputs[2] = {{.profile = &files[1].profile, .scale = 1},
                                    {.profile = &files[0].profile, .scale = -1}};
    if (!request->is_subtraction) {
        inputs[1].label_key = "pprof::base";
        inputs[1].label_text = "true";
    }
    return write_sum(request, inputs, 2, error);
}

bool command_show(const struct request *request, char error[LOAD_ERROR_SIZE]) {
    struct loaded *files = open_files(request, true, error);
    if (!files)
        return false;
    bool ok = request->format == FORMAT_PROTO ? write_profile(request, &files[0].profile, error)
                                              : summarize_files(request, files, error);
    close_files(files, request->path_count);
    return ok;
}

bool command_diff(const struct request *request, char error[LOAD_ERROR_SIZE]) {
    struct loaded *files = open_files(request, true, error);
    if (!files)
        return false;
    bool ok = request->format == FORMAT_PROTO ? write_difference(request, files, error)
                                              : summarize_files(request, files, error);
    close_files(files, request->path_count);
    return ok;
}

bool command_symbolize(const struct request *request, char error[LOAD_ERROR_SIZE]) {
    struct loaded *files = open_files(request, false, error);
    if (!files)
        return false;
    bool ok = write_profile(request, &files[0].profile, error);
    close_files(files, request->path_count);
    return ok;
}

bool command_merge(const struct request *request, char error[LOAD_ERROR_SIZE]) {
    struct loaded *files = open_files(request, false, error);
    struct merge_input *inputs = calloc(request->path_count, sizeof *inputs);
    for (size_t i = 0; files && inputs && i < request->path_count; i++)
        inputs[i] = (struct merge_input){.profile = &files[i].profile, .scale = 1};
    bool ok = files && inputs && write_sum(request, inputs, request->path_count, error);
    if (files)
        close_files(files, request->path_count);
    free(inputs);
    return ok;
}
