/* One list for each kind of file, in the order of likelihood. An id proves a file wherever it lies, so the order then
 * matters only for the time it takes; without an id the directories that the user gave come before the mapping's path,
 * because they were given for a reason.
 *
 *   binary   the path, DIR/ID/NAME, DIR/ID/(any), DIR/NAME, DIR/PATH, PATH/ID below DIR (perf's cache), the debug
 *            files' DIR/.build-id/xx/yyyy and .debug, then the system's
 *   debug    DIR/.build-id/xx/yyyy.debug, DIR/xx/yyyy.debug, the system's; then the debug link's name beside the
 *            binary, in its .debug, below each DIR at the binary's place, and in each DIR
 *   shared   by id as above; then its name from the debug file's folder, in each DIR and its .dwz
 *
 * Names that do not fit are left out. Locks: none. Allocates nothing that outlives a call. */
#include "symbolizer/places.h"

#include <dirent.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define SYSTEM_DEBUG_DIR "/usr/lib/debug"
#define DELETED          " (deleted)"

enum { MAX_LISTED = 64 };

struct walk {
    place_try try;
    void *context;
    enum place_kind kind;
};

__attribute__((format(printf, 2, 3))) static bool visit(const struct walk *walk, const char *format, ...) {
    char path[PATH_MAX];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(path, sizeof path, format, arguments);
    va_end(arguments);
    return length > 0 && (size_t)length < sizeof path && walk->try(walk->context, path, walk->kind);
}

/* Length of the path up to the last slash, without it. */
static int folder_length(const char *path) {
    const char *base = text_base_name(path);
    return base == path ? 0 : (int)(base - path) - 1;
}

/* Any file of the directory that is named by the id. */
static bool visit_listed(const struct walk *walk, const char *dir, const struct build_id *id) {
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/%s", dir, id->hex) >= (int)sizeof path)
        return false;
    DIR *list = opendir(path);
    bool is_done = false;
    struct dirent *entry;
    for (int i = 0; list && !is_done && i < MAX_LISTED && (entry = readdir(list)) != NULL; i++)
        if (entry->d_name[0] != '.')
            is_done = visit(walk, "%s/%s", path, entry->d_name);
    if (list)
        closedir(list);
    return is_done;
}

static bool visit_binary_dir(const struct walk *walk, const char *dir, const char *path, const struct build_id *id) {
    const char *base = text_base_name(path);
    if (id->length && ((*base && visit(walk, "%s/%s/%s", dir, id->hex, base)) || visit_listed(walk, dir, id)))
        return true;
    if (*base && (visit(walk, "%s/%s", dir, base) || visit(walk, "%s/%s", dir, path)))
        return true;
    if (id->length < 2)
        return false;
    return visit(walk, "%s/%s/%s", dir, path, id->hex) ||
           visit(walk, "%s/.build-id/%.2s/%s", dir, id->hex, id->hex + 2) ||
           visit(walk, "%s/.build-id/%.2s/%s.debug", dir, id->hex, id->hex + 2) ||
           visit(walk, "%s/%.2s/%s.debug", dir, id->hex, id->hex + 2);
}

static bool visit_binary_dirs(const char *path, const struct build_id *id, const struct module_search *search,
                              place_try try, void *context) {
    const struct walk walk = {try, context, PLACE_GIVEN};
    for (size_t i = 0; i < search->dir_count; i++)
        if (visit_binary_dir(&walk, search->dirs[i], path, id))
            return true;
    return false;
}

/* The path as it was when the file was mapped: the kernel appends a word to the path of a file that is gone. */
static void copy_path(char copy[PATH_MAX], const char *path) {
    size_t length = strlen(path), suffix = sizeof DELETED - 1;
    if (length > suffix && strcmp(path + length - suffix, DELETED) == 0)
        length -= suffix;
    if (length >= PATH_MAX)
        length = 0;
    memcpy(copy, path, length);
    copy[length] = 0;
}

bool places_walk_binary(const char *path, const struct build_id *id, const struct module_search *search, place_try try,
                        void *context) {
    const struct walk mapped = {try, context, PLACE_MAPPED}, system = {try, context, PLACE_SYSTEM};
    char copy[PATH_MAX];
    copy_path(copy, path);
    /* Without an id another file of this name may have taken the place of the one that was deleted, and a relative
     * path may mean any file. */
    bool is_named = id->length ? *copy != 0 : *copy == '/' && strcmp(copy, path) == 0;
    if (!id->length)
        return visit_binary_dirs(copy, id, search, try, context) || (is_named && visit(&mapped, "%s", copy));
    if (is_named && visit(&mapped, "%s", copy))
        return true;
    return visit_binary_dirs(copy, id, search, try, context) ||
           (id->length > 1 && visit(&system, SYSTEM_DEBUG_DIR "/.build-id/%.2s/%s.debug", id->hex, id->hex + 2));
}

static bool visit_by_id(const struct build_id *id, const struct module_search *search, place_try try, void *context) {
    const struct walk given = {try, context, PLACE_GIVEN}, system = {try, context, PLACE_SYSTEM};
    if (id->length < 2)
        return false;
    for (size_t i = 0; i < search->dir_count; i++)
        if (visit(&given, "%s/.build-id/%.2s/%s.debug", search->dirs[i], id->hex, id->hex + 2) ||
            visit(&given, "%s/%.2s/%s.debug", search->dirs[i], id->hex, id->hex + 2))
            return true;
    return visit(&system, SYSTEM_DEBUG_DIR "/.build-id/%.2s/%s.debug", id->hex, id->hex + 2);
}

static bool visit_by_link(const char *path, const char *link, const struct module_search *search, place_try try,
                          void *context) {
    const struct walk mapped = {try, context, PLACE_MAPPED}, given = {try, context, PLACE_GIVEN},
                      system = {try, context, PLACE_SYSTEM};
    int length = folder_length(path);
    if (visit(&mapped, "%.*s/%s", length, path, link) || visit(&mapped, "%.*s/.debug/%s", length, path, link))
        return true;
    for (size_t i = 0; i < search->dir_count; i++)
        if (visit(&given, "%s/%.*s/%s", search->dirs[i], length, path, link) ||
            visit(&given, "%s/%s", search->dirs[i], link))
            return true;
    return visit(&system, SYSTEM_DEBUG_DIR "/%.*s/%s", length, path, link);
}

bool places_walk_debug(const char *path, const struct build_id *id, const char *link,
                       const struct module_search *search, place_try try, void *context) {
    if (visit_by_id(id, search, try, context))
        return true;
    if (!link)
        return false;
    /* A link of the file system may lead to the folder that the package's debug files know. */
    char *real = realpath(path, NULL);
    bool is_done = visit_by_link(path, link, search, try, context) ||
                   (real && strcmp(real, path) != 0 && visit_by_link(real, link, search, try, context));
    free(real);
    return is_done;
}

bool places_walk_shared(const char *path, const struct build_id *id, const char *name,
                        const struct module_search *search, place_try try, void *context) {
    const struct walk mapped = {try, context, PLACE_MAPPED}, given = {try, context, PLACE_GIVEN},
                      system = {try, context, PLACE_SYSTEM};
    char *real = realpath(path, NULL);
    const char *from = real ? real : path;
    bool is_done =
        visit_by_id(id, search, try, context) ||
        (*name == '/' ? visit(&mapped, "%s", name) : visit(&mapped, "%.*s/%s", folder_length(from), from, name));
    for (size_t i = 0; !is_done && i < search->dir_count; i++)
        is_done = visit(&given, "%s/%s", search->dirs[i], text_base_name(name)) ||
                  visit(&given, "%s/.dwz/%s", search->dirs[i], text_base_name(name)) ||
                  visit(&given, "%s/%s", search->dirs[i], name);
    is_done = is_done || visit(&system, SYSTEM_DEBUG_DIR "/.dwz/%s", text_base_name(name));
    free(real);
    return is_done;
}
