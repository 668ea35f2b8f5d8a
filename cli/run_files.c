/* The library writes files while nobody watches, in this process's children and in theirs. Instead of a
 * channel between them, the names are worked out backwards.
 *
 *   1. The pattern becomes a glob: %p is the program's pid or `*`, %% is '%', every other % item is `*`, and
 * what is special to glob(3) is escaped.
 *   2. Matches whose status changed before the run began are of another run.
 *   3. What is left is sorted by that time: the program's own files first to last.
 *
 * Another run with the same pattern at the same time cannot be told apart where the pattern has no %p; the
 * line then counts its files too.
 *
 * Locks: none. Allocation: malloc; a tool's process, not the profiled one. */
#include "cli/run_files.h"

#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct run_file {
    const char *path;
    struct timespec changed;
};

struct run_list {
    glob_t matches; /* owns the paths */
    struct run_file *files;
    size_t count;
};

char *run_files_absolute_pattern(const char *pattern) {
    char directory[PATH_MAX];
    if (*pattern == '/')
        return strdup(pattern);
    if (!getcwd(directory, sizeof directory))
        return NULL;
    while (strncmp(pattern, "./", 2) == 0)
        pattern += 2;
    char *out = malloc(2 * strlen(directory) + strlen(pattern) + 2), *to = out;
    for (const char *from = directory; out && *from; from++) {
        *to++ = *from;
        if (*from == '%')
            *to++ = '%';
    }
    if (out)
        sprintf(to, "%s%s", to > out && to[-1] == '/' ? "" : "/", pattern);
    return out;
}

/* Step 1. */
char *run_files_glob(const char *pattern, pid_t program) {
    char *out = malloc(12 * strlen(pattern) + 1), *to = out;
    for (const char *from = pattern; out && *from; from++) {
        if (*from == '%' && from[1]) {
            from++;
            if (*from == 'p' && program)
                to += sprintf(to, "%d", (int)program);
            else
                *to++ = *from == '%' ? '%' : '*';
        } else {
            if (strchr("*?[\\", *from))
                *to++ = '\\';
            *to++ = *from;
        }
    }
    if (out)
        *to = '\0';
    return out;
}

static bool is_before(struct timespec a, struct timespec b) {
    return a.tv_sec != b.tv_sec ? a.tv_sec < b.tv_sec : a.tv_nsec < b.tv_nsec;
}

static int compare_files(const void *left, const void *right) {
    const struct run_file *a = left, *b = right;
    if (is_before(a->changed, b->changed))
        return -1;
    if (is_before(b->changed, a->changed))
        return 1;
    size_t shorter = strlen(a->path), longer = strlen(b->path);
    return shorter != longer ? (shorter < longer ? -1 : 1) : strcmp(a->path, b->path);
}

/* Steps 2 and 3. */
static void list_files(struct run_list *list, const char *pattern, pid_t program, struct timespec since) {
    char *text = run_files_glob(pattern, program);
    memset(list, 0, sizeof *list);
    if (text && glob(text, GLOB_NOSORT, NULL, &list->matches) == 0)
        list->files = calloc(list->matches.gl_pathc, sizeof *list->files);
    free(text);
    for (size_t i = 0; list->files && i < list->matches.gl_pathc; i++) {
        struct stat info;
        const char *path = list->matches.gl_pathv[i];
        if (lstat(path, &info) == 0 && S_ISREG(info.st_mode) && !is_before(info.st_ctim, since))
            list->files[list->count++] = (struct run_file){path, info.st_ctim};
    }
    if (list->files)
        qsort(list->files, list->count, sizeof *list->files, compare_files);
}

static void free_list(struct run_list *list) {
    free(list->files);
    globfree(&list->matches);
}

struct timespec run_files_begin(const char *pattern) {
    struct timespec now;
    for (int tries = 0; tries < 100; tries++) {
        struct run_list list;
        clock_gettime(CLOCK_REALTIME_COARSE, &now);
        list_files(&list, pattern, 0, now);
        bool ambiguous = list.count != 0;
        free_list(&list);
        if (!ambiguous)
            break;
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    return now;
}

/* The path as seen from the current directory, where it lies below it. */
static const char *short_path(const char *path) {
    char directory[PATH_MAX];
    if (!getcwd(directory, sizeof directory))
        return path;
    size_t length = strlen(directory);
    return strncmp(path, directory, length) == 0 && path[length] == '/' && length > 1 ? path + length + 1 : path;
}

bool run_files_report_box(FILE *out, const char *pattern, pid_t program, struct timespec since) {
    struct run_list boxes;
    list_files(&boxes, pattern, program, since);
    bool found = boxes.count > 0;
    if (found)
        fprintf(out, "heaptap: the program was killed; next: heaptap recover -o heap.pb.gz %s\n",
                short_path(boxes.files[boxes.count - 1].path));
    free_list(&boxes);
    return found;
}

void run_files_report(FILE *out, const char *pattern, pid_t program, struct timespec since) {
    struct run_list own, all;
    list_files(&own, pattern, program, since);
    list_files(&all, pattern, 0, since);
    const struct run_list *named = own.count ? &own : &all;
    if (!named->count) {
        fprintf(out, "heaptap: no profile was written: nothing matches '%s'\n", short_path(pattern));
    } else {
        const char *first = short_path(named->files[0].path);
        const char *last = short_path(named->files[named->count - 1].path);
        bool pair = named->count > 1 && named == &own;
        fprintf(out, "heaptap: wrote '%s'", last);
        if (all.count > 1)
            fprintf(out, " and %zu more", all.count - 1);
        fprintf(out, "; next: heapdiff %s%s%s\n", pair ? first : "", pair ? " " : "", last);
    }
    free_list(&own);
    free_list(&all);
}
