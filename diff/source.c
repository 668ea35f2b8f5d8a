/* Reading and what a file says of itself.
 *
 * Locks: none. The profile's memory is its own regions; the rest comes from malloc. */
#include "diff/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/parallel.h"
#include "base/wrap.h"
#include "diff/whole_file.h"
#include "proto/describe.h"
#include "proto/reader.h"
#include "symbolizer/symbolizer.h"

/* The comment by which heaptap marks all dumps of one process. */
static const char instance_prefix[] = "heaptap_instance=";

bool source_fail(struct heapprofile_error *error, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    return false;
}

struct heapprofile *source_wrap(struct profile *profile, const char *name, struct heapprofile_error *error) {
    struct heapprofile *source = calloc(1, sizeof *source);
    if (source) {
        source->profile = *profile;
        source->made = profile->time_nanos;
        source->name = strdup(name);
        source->bases = calloc((size_t)profile->mapping_count + 1, sizeof *source->bases);
        if (source->name && source->bases) {
            symbolizer_guess_bases(&source->profile, source->bases);
            return source;
        }
        heapprofile_free(source);
    } else {
        profile_free(profile);
    }
    source_fail(error, "out of memory");
    return NULL;
}

/* The reader's own limits, and no more than half of the machine: a small file may claim to be a large profile. */
static struct reader_limits find_limits(void) {
    struct reader_limits limits = reader_default_limits;
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    if (pages > 0 && page > 0 && (uint64_t)pages * (uint64_t)page / 2 < limits.max_memory)
        limits.max_memory = (uint64_t)pages * (uint64_t)page / 2;
    return limits;
}

struct heapprofile *heapprofile_read_fd(int fd, const char *name, struct heapprofile_error *error) {
    struct proto_error failure = {0};
    struct reader_limits limits = find_limits();
    struct profile profile;
    struct whole_file whole;
    struct stat status;
    bool is_file = fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
    bool is_whole = whole_file_inflate(fd, &whole);
    bool ok = is_whole ? reader_read_bytes(whole.bytes, whole.size, &limits, &profile, &failure)
                       : reader_read(fd, &limits, &profile, &failure);
    if (is_whole)
        whole_file_free(&whole);
    if (!ok) {
        proto_describe(&failure, "read", name, error->text, sizeof error->text);
        return NULL;
    }
    struct heapprofile *source = source_wrap(&profile, name, error);
    if (source && !source->made && is_file)
        source->made = status.st_mtim.tv_sec * INT64_C(1000000000) + status.st_mtim.tv_nsec;
    return source;
}

struct heapprofile *heapprofile_read(const char *path, struct heapprofile_error *error) {
    if (strcmp(path, "-") == 0)
        return heapprofile_read_fd(STDIN_FILENO, path, error);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        const struct proto_error failure = {.code = PROTO_ERROR_IO, .saved_errno = errno};
        proto_describe(&failure, "open", path, error->text, sizeof error->text);
        return NULL;
    }
    struct heapprofile *source = heapprofile_read_fd(fd, path, error);
    close(fd);
    return source;
}

/* One file of several; the errors are told apart until all are read. */
struct reading {
    const char *path;
    struct heapprofile *profile;
    struct heapprofile_error error;
};

static void read_one(void *readings, size_t index) {
    struct reading *reading = (struct reading *)readings + index;
    reading->profile = heapprofile_read(reading->path, &reading->error);
}

/* Standard input cannot be read by two at once. */
static bool may_be_parallel(const char *const *paths, size_t count) {
    size_t inputs = 0;
    for (size_t i = 0; i < count; i++)
        inputs += strcmp(paths[i], "-") == 0;
    return inputs < 2;
}

bool heapprofile_read_all(const char *const *paths, size_t count, struct heapprofile **profiles,
                          struct heapprofile_error *error) {
    struct reading *readings = calloc(count + 1, sizeof *readings);
    if (!readings)
        return source_fail(error, "out of memory");
    for (size_t i = 0; i < count; i++)
        readings[i].path = paths[i];
    if (may_be_parallel(paths, count))
        parallel_run(count, read_one, readings);
    for (size_t i = 0; i < count && !may_be_parallel(paths, count); i++)
        read_one(readings, i);
    size_t good = 0;
    while (good < count && readings[good].profile)
        good++;
    for (size_t i = 0; i < count; i++) {
        profiles[i] = readings[i].profile;
        if (good < count)
            heapprofile_free(profiles[i]);
    }
    if (good < count)
        *error = readings[good].error;
    free(readings);
    return good == count;
}

void heapprofile_free(struct heapprofile *source) {
    if (!source)
        return;
    profile_free(&source->profile);
    free(source->bases);
    free(source->totals);
    free(source->name);
    free(source);
}

int64_t source_rate(const struct heapprofile *source) {
    const struct profile *profile = &source->profile;
    return strcmp(profile_text(profile, profile->period_type.unit), "bytes") == 0 ? profile->period : 0;
}

struct heapprofile_facts heapprofile_facts(const struct heapprofile *source) {
    const struct profile *profile = &source->profile;
    return (struct heapprofile_facts){.name = source->name,
                                      .views = profile->sample_type_count,
                                      .samples = profile->sample_count,
                                      .functions = profile->function_count,
                                      .mappings = profile->mapping_count,
                                      .comments = profile->comment_count,
                                      .rate = source_rate(source),
                                      .time_nanos = profile->time_nanos,
                                      .duration_nanos = profile->duration_nanos,
                                      .instance = heapprofile_find_comment(source, instance_prefix)};
}

struct heapprofile_view heapprofile_view(const struct heapprofile *source, uint32_t view) {
    const struct profile_value_type *type = &source->profile.sample_types[view];
    return (struct heapprofile_view){profile_text(&source->profile, type->type),
                                     profile_text(&source->profile, type->unit)};
}

/* "space" is what text profiles call "inuse_space" where they say nothing of allocations. */
uint32_t source_find_view(const struct heapprofile *source, const char *name) {
    static const char prefix[] = "inuse_";
    size_t length = sizeof prefix - 1;
    uint32_t index = profile_find_sample_type(&source->profile, name);
    if (index != PROFILE_NONE)
        return index;
    if (strncmp(name, prefix, length) == 0)
        return profile_find_sample_type(&source->profile, name + length);
    bool is_space = strcmp(name, "space") == 0;
    return is_space || strcmp(name, "objects") == 0
               ? profile_find_sample_type(&source->profile, is_space ? "inuse_space" : "inuse_objects")
               : PROFILE_NONE;
}

bool heapprofile_find_view(const struct heapprofile *source, const char *name, uint32_t *view) {
    const struct profile *profile = &source->profile;
    const char *by_default = profile_text(profile, profile->default_sample_type);
    bool is_named = name && *name;
    *view = is_named      ? source_find_view(source, name)
            : *by_default ? profile_find_sample_type(profile, by_default)
                          : PROFILE_NONE;
    if (*view == PROFILE_NONE && !is_named && profile->sample_type_count)
        *view = profile->sample_type_count - 1;
    return *view != PROFILE_NONE;
}

const char *heapprofile_comment(const struct heapprofile *source, uint32_t comment) {
    return profile_text(&source->profile, source->profile.comments[comment]);
}

const char *heapprofile_find_comment(const struct heapprofile *source, const char *prefix) {
    size_t length = strlen(prefix);
    for (uint32_t i = 0; i < source->profile.comment_count; i++) {
        const char *text = heapprofile_comment(source, i);
        if (strncmp(text, prefix, length) == 0)
            return text + length;
    }
    return NULL;
}

int64_t heapprofile_total(const struct heapprofile *source, uint32_t view) {
    const struct profile *profile = &source->profile;
    int64_t total = 0;
    for (size_t i = 0; i < profile->sample_count; i++)
        total = wrap_add(total, profile->values[i * profile->sample_type_count + view]);
    return total;
}

int64_t source_total(const struct heapprofile *source, uint32_t view) {
    return source->totals ? source->totals[view] : heapprofile_total(source, view);
}

bool source_keep_totals(struct heapprofile *source) {
    uint32_t views = source->profile.sample_type_count;
    int64_t *totals = source->totals ? NULL : calloc((size_t)views + 1, sizeof *totals);
    for (uint32_t view = 0; totals && view < views; view++)
        totals[view] = heapprofile_total(source, view);
    source->totals = totals ? totals : source->totals;
    return source->totals;
}
