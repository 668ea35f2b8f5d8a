/* control_places_find, as patterns of glob(3):
 *   1. our own HEAPTAP_CONTROL, and $XDG_RUNTIME_DIR/heaptap;
 *   2. the places of every user, /run/user/UID/heaptap and /tmp/heaptap-UID: of strangers' nothing is taken, but root
 *      looks at all;
 *   3. what each process, or the one, has in its environment; for the one also below its own root.
 *
 * Locks: none. Allocation: malloc. */
#include "cli/control_places.h"

#include <ctype.h>
#include <dirent.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/run_files.h"

enum { ENVIRONMENT_MOST = 1 << 20 };

struct search {
    struct control_places *places;
    bool failed;
};

/* Ours, or root's; root trusts the owner of a folder that only he can write to, since it is he who listens there. */
static bool is_trusted_folder(const char *path) {
    char folder[CONTROL_PLACE_MAX];
    struct stat status;
    snprintf(folder, sizeof folder, "%s", path);
    char *slash = strrchr(folder, '/');
    if (!slash)
        return false;
    slash[slash == folder] = '\0';
    if (stat(folder, &status) != 0)
        return false;
    bool others_write = (status.st_mode & 022) && !(status.st_mode & S_ISVTX);
    return !others_write && (status.st_uid == geteuid() || status.st_uid == 0 || geteuid() == 0);
}

static void add_path(struct search *search, const char *path) {
    struct control_places *places = search->places;
    struct stat status;
    if (strlen(path) >= CONTROL_PLACE_MAX || lstat(path, &status) != 0 || !S_ISSOCK(status.st_mode) ||
        (status.st_uid != geteuid() && geteuid() != 0) || !is_trusted_folder(path))
        return;
    for (size_t i = 0; i < places->count; i++) {
        if (strcmp(places->paths[i], path) == 0)
            return;
    }
    if (places->count % 64 == 0) {
        void *grown = realloc(places->paths, (places->count + 64) * sizeof *places->paths);
        search->failed |= !grown;
        if (!grown)
            return;
        places->paths = grown;
    }
    strcpy(places->paths[places->count++], path);
}

static void add_glob(struct search *search, const char *pattern) {
    glob_t matches;
    if (glob(pattern, 0, NULL, &matches) == 0) {
        for (size_t i = 0; i < matches.gl_pathc; i++)
            add_path(search, matches.gl_pathv[i]);
    }
    globfree(&matches);
}

/* `root`: "" or /proc/PID/root. */
static void add_setting(struct search *search, const char *root, const char *pattern) {
    char whole[PATH_MAX];
    char *text = *pattern == '/' ? run_files_glob(pattern, 0) : NULL;
    if (text && snprintf(whole, sizeof whole, "%s%s", root, text) < (int)sizeof whole)
        add_glob(search, whole);
    free(text);
}

static void add_runtime(struct search *search, const char *root, const char *runtime_directory) {
    char pattern[PATH_MAX];
    if (*runtime_directory == '/' && !strchr(runtime_directory, '%') &&
        snprintf(pattern, sizeof pattern, "%s/heaptap/%%p.sock", runtime_directory) < (int)sizeof pattern)
        add_setting(search, root, pattern);
}

static void add_common(struct search *search, const char *root) {
    add_setting(search, root, "/tmp/heaptap-%p/%p.sock");
    add_setting(search, root, "/run/user/%p/heaptap/%p.sock");
}

bool control_places_setting(pid_t pid, const char *name, char *out, size_t size) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/environ", (int)pid);
    FILE *file = fopen(path, "r");
    char *text = file ? malloc(ENVIRONMENT_MOST + 1) : NULL;
    size_t length = text ? fread(text, 1, ENVIRONMENT_MOST, file) : 0, name_length = strlen(name);
    bool found = false;
    if (text)
        text[length] = '\0';
    for (const char *p = text; p && p < text + length && !found; p += strlen(p) + 1) {
        if (strncmp(p, name, name_length) == 0 && p[name_length] == '=')
            found = snprintf(out, size, "%s", p + name_length + 1) < (int)size && *out;
    }
    free(text);
    if (file)
        fclose(file);
    return found;
}

static void add_process(struct search *search, const char *root, pid_t pid) {
    char value[PATH_MAX];
    if (control_places_setting(pid, "HEAPTAP_CONTROL", value, sizeof value))
        add_setting(search, root, value);
    if (control_places_setting(pid, "XDG_RUNTIME_DIR", value, sizeof value))
        add_runtime(search, root, value);
}

static void add_all_processes(struct search *search) {
    DIR *folder = opendir("/proc");
    const struct dirent *entry;
    while (folder && (entry = readdir(folder))) {
        if (isdigit((unsigned char)entry->d_name[0]))
            add_process(search, "", (pid_t)strtol(entry->d_name, NULL, 10));
    }
    if (folder)
        closedir(folder);
}

/* Step 3 for one process in another mount name space. */
static void add_other_root(struct search *search, pid_t pid) {
    struct stat ours, its;
    char root[64];
    snprintf(root, sizeof root, "/proc/%d/root", (int)pid);
    if (stat(root, &its) != 0 || stat("/", &ours) != 0 || (its.st_dev == ours.st_dev && its.st_ino == ours.st_ino))
        return;
    add_common(search, root);
    add_process(search, root, pid);
}

bool control_places_find(struct control_places *places, pid_t pid) {
    struct search search = {places, false};
    const char *own = getenv("HEAPTAP_CONTROL"), *runtime = getenv("XDG_RUNTIME_DIR");
    *places = (struct control_places){NULL, 0};
    if (own)
        add_setting(&search, "", own);
    if (runtime)
        add_runtime(&search, "", runtime);
    add_common(&search, "");
    if (pid) {
        add_process(&search, "", pid);
        add_other_root(&search, pid);
    } else {
        add_all_processes(&search);
    }
    return !search.failed;
}

void control_places_free(struct control_places *places) { free(places->paths); }
