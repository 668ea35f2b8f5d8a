/* Only names are looked at here; what is no profile is found out when it is read. Locks: none. Allocates with malloc.
 */
#include "cli/trend_files.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"

/* Takes the path over. */
static bool add_path(struct trend_files *files, char *path) {
    if (path && files->count == files->capacity) {
        size_t capacity = files->capacity * 2 + 64;
        char **paths = reallocarray(files->paths, capacity, sizeof *paths);
        if (!paths) {
            free(path);
            return false;
        }
        files->paths = paths;
        files->capacity = capacity;
    }
    if (path)
        files->paths[files->count++] = path;
    return path != NULL;
}

static bool ends_with(const char *text, const char *end) {
    size_t length = strlen(text), tail = strlen(end);
    return length > tail && strcmp(text + length - tail, end) == 0;
}

/* Temporary files of a dump that is being written begin with a dot. */
static bool is_profile_name(const char *name) {
    return *name != '.' && (ends_with(name, ".pb.gz") || ends_with(name, ".pb"));
}

static bool fail_directory(const char *path, struct heapprofile_error *error) {
    char shown[4096];
    int why = errno;
    text_clean(shown, sizeof shown, path);
    snprintf(error->text, sizeof error->text, "cannot read directory '%s': %s", shown, strerror(why));
    return false;
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static bool add_directory(struct trend_files *files, const char *path, struct heapprofile_error *error) {
    DIR *directory = opendir(path);
    if (!directory)
        return fail_directory(path, error);
    size_t first = files->count;
    bool ok = true;
    const char *separator = ends_with(path, "/") || strcmp(path, "/") == 0 ? "" : "/";
    for (struct dirent *entry; ok && (errno = 0, entry = readdir(directory)) != NULL;) {
        char *name = NULL;
        if (is_profile_name(entry->d_name))
            ok = asprintf(&name, "%s%s%s", path, separator, entry->d_name) >= 0 && add_path(files, name);
    }
    if (ok && errno)
        ok = fail_directory(path, error);
    closedir(directory);
    qsort(files->paths + first, files->count - first, sizeof *files->paths, by_name);
    return ok;
}

bool trend_files_find(struct trend_files *files, const char *const *operands, size_t count,
                      struct heapprofile_error *error) {
    *files = (struct trend_files){0};
    for (size_t i = 0; i < count; i++) {
        struct stat status;
        bool is_directory = stat(operands[i], &status) == 0 && S_ISDIR(status.st_mode);
        if (!(is_directory ? add_directory(files, operands[i], error) : add_path(files, strdup(operands[i]))))
            return false;
    }
    return true;
}

void trend_files_free(struct trend_files *files) {
    for (size_t i = 0; i < files->count; i++)
        free(files->paths[i]);
    free(files->paths);
}
