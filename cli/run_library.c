/* Finds the library by where the executable is, so that a build directory and an installation under any
 * prefix work alike and nothing is compiled in.
 *
 *   1. HEAPTAP_LIB, when it is set, is the answer or an error: a wrong setting must not be passed over.
 *   2. DIR/libheaptap.so, where DIR holds the executable.
 *   3. DIR/../lib, lib64 and the like, then the multi-architecture folders in them. The name with the version
 * is tried too, because an installation for use alone has no link without it.
 *
 * Locks, allocation: none but glob(3)'s. */
#include "cli/run_library.h"

#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The loader splits LD_PRELOAD at both, and knows no way to quote them. */
static bool check_name(const char *path) {
    if (!strpbrk(path, " :"))
        return true;
    fprintf(stderr, "heaptap: cannot preload '%s': the loader splits names at spaces and colons\n", path);
    return false;
}

/* realpath() into `path`; false when there is no such file. */
static bool resolve(const char *candidate, char *path, size_t size) {
    char resolved[PATH_MAX];
    if (!realpath(candidate, resolved) || strlen(resolved) >= size)
        return false;
    memcpy(path, resolved, strlen(resolved) + 1);
    return true;
}

/* The first file that matches DIR/tail, a glob pattern. */
static bool find_below(const char *directory, const char *tail, char *path, size_t size) {
    char pattern[PATH_MAX];
    glob_t matches;
    if (snprintf(pattern, sizeof pattern, "%s/%s", directory, tail) >= (int)sizeof pattern)
        return false;
    bool found = glob(pattern, 0, NULL, &matches) == 0 && resolve(matches.gl_pathv[0], path, size);
    globfree(&matches);
    return found;
}

bool run_library_find(char *path, size_t size) {
    static const char *const places[] = {"libheaptap.so", "../lib*/libheaptap.so", "../lib*/*/libheaptap.so",
                                         "../lib*/libheaptap.so.[0-9]", "../lib*/*/libheaptap.so.[0-9]"};
    const char *setting = getenv("HEAPTAP_LIB");
    if (setting && *setting) {
        if (resolve(setting, path, size))
            return check_name(path);
        fprintf(stderr, "heaptap: cannot find the library HEAPTAP_LIB='%s': %s\n", setting, strerror(errno));
        return false;
    }
    char directory[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", directory, sizeof directory - 1);
    directory[length < 0 ? 0 : length] = '\0';
    char *slash = strrchr(directory, '/');
    if (slash)
        *slash = '\0';
    for (size_t i = 0; slash && i < sizeof places / sizeof *places; i++)
        if (find_below(directory, places[i], path, size))
            return check_name(path);
    fprintf(stderr, "heaptap: cannot find libheaptap.so beside '%s' or in ../lib: set HEAPTAP_LIB\n", directory);
    return false;
}
