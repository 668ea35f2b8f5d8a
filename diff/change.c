/* What changes one profile in place, or makes one of several: naming, leaving out, adding up, writing.
 *
 * Locks: none. */
#include <errno.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "diff/source.h"
#include "proto/describe.h"
#include "proto/filter.h"
#include "proto/merge.h"
#include "proto/writer.h"
#include "symbolizer/symbolizer.h"

enum { GZIP_LEVEL = 1, SHOWN_EXPRESSION = 200 };

static bool no_memory(struct heapprofile_error *error) { return source_fail(error, "out of memory"); }

static void ignore_warning(void *context, const char *subject, const char *text) {
    (void)context, (void)subject, (void)text;
}

bool heapprofile_symbolize(struct heapprofile *const *profiles, size_t count, const struct heapprofile_symbols *symbols,
                           struct heapprofile_error *error) {
    static const struct heapprofile_symbols nothing;
    const struct heapprofile_symbols *asked = symbols ? symbols : &nothing;
    const struct module_search search = {asked->directories, asked->directory_count};
    struct symbolizer *symbolizer =
        symbolizer_open(&search, asked->warn ? asked->warn : ignore_warning, asked->context);
    bool ok = symbolizer != NULL;
    for (size_t i = 0; ok && i < count; i++)
        ok = symbolizer_run(symbolizer, &profiles[i]->profile, profiles[i]->made, profiles[i]->bases);
    symbolizer_close(symbolizer);
    return ok || no_memory(error);
}

/* Names the expression that is malformed. */
static bool describe_filter(const struct heapprofile_filter *filter, const struct proto_error *failure,
                            struct heapprofile_error *error) {
    const struct {
        const char *name, *expression;
    } all[] = {{"focus", filter->focus}, {"ignore", filter->ignore}, {"hide", filter->hide}, {"show", filter->show}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        regex_t regex;
        char shown[SHOWN_EXPRESSION], why[SHOWN_EXPRESSION];
        int code = all[i].expression ? regcomp(&regex, all[i].expression, REG_EXTENDED | REG_NOSUB) : 0;
        if (all[i].expression && !code)
            regfree(&regex);
        if (!code)
            continue;
        regerror(code, &regex, why, sizeof why);
        text_clean(shown, sizeof shown, all[i].expression);
        return source_fail(error, "bad expression '%s' for '--%s': %s", shown, all[i].name, why);
    }
    return source_fail(error, "cannot filter by name: %s", failure->text);
}

bool heapprofile_filter(struct heapprofile *source, const struct heapprofile_filter *filter,
                        struct heapprofile_error *error) {
    const struct filter rules = {filter->focus, filter->ignore, filter->hide, filter->show};
    struct proto_error failure = {0};
    if (!rules.focus && !rules.ignore && !rules.hide && !rules.show)
        return true;
    if (!source_keep_totals(source))
        return no_memory(error);
    return filter_apply(&source->profile, &rules, &failure) || describe_filter(filter, &failure, error);
}

/* Puts the drop and keep expressions of one profile in the place of another's. False when there is no memory. */
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

bool heapprofile_drop_frames(struct heapprofile *source, const struct heapprofile *rules, bool *usable,
                             struct heapprofile_error *error) {
    struct proto_error failure = {0};
    bool is_other = rules && rules != source && (rules->profile.drop_frames || source->profile.drop_frames);
    if (is_other && !copy_drop_frames(&rules->profile, &source->profile))
        return no_memory(error);
    *usable = filter_drop_frames(&source->profile, &failure);
    return *usable || failure.code != PROTO_ERROR_MEMORY || no_memory(error);
}

struct heapprofile *heapprofile_add(const struct heapprofile_term *terms, size_t count,
                                    struct heapprofile_error *error) {
    struct merge_input *inputs = calloc(count + 1, sizeof *inputs);
    struct profile sum;
    struct proto_error failure = {0};
    if (!inputs) {
        no_memory(error);
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        inputs[i] = (struct merge_input){
            .profile = &terms[i].profile->profile, .scale = terms[i].scale, .scales = terms[i].scales};
        if (terms[i].is_base) {
            inputs[i].label_key = "pprof::base";
            inputs[i].label_text = "true";
        }
    }
    bool ok = merge_profiles(inputs, count, &sum, &failure);
    free(inputs);
    if (ok)
        return source_wrap(&sum, count ? terms[0].profile->name : "", error);
    source_fail(error, "cannot add up the profiles: %s", failure.text);
    return NULL;
}

bool heapprofile_write(const struct heapprofile *source, heapprofile_sink sink, void *context,
                       struct heapprofile_error *error) {
    struct proto_error failure = {0};
    if (writer_write_profile(&source->profile, sink, context, GZIP_LEVEL, &failure))
        return true;
    proto_describe(&failure, "write", source->name, error->text, sizeof error->text);
    return false;
}

static int write_to_fd(void *context, const void *bytes, size_t size) {
    int fd = *(const int *)context;
    for (const char *next = bytes; size;) {
        ssize_t count = write(fd, next, size);
        if (count < 0 && errno != EINTR)
            return errno;
        if (count > 0) {
            next += count;
            size -= (size_t)count;
        }
    }
    return 0;
}

bool heapprofile_write_fd(const struct heapprofile *source, int fd, struct heapprofile_error *error) {
    return heapprofile_write(source, write_to_fd, &fd, error);
}
