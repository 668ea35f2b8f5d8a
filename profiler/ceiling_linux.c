/* ceiling_of_groups, for each line of the membership that concerns memory:
 *   1. The folder is the mount of the hierarchy with the group's path behind it. A container without a name space of
 * its own sees the path of its host here and its own group at the mount; so folders that are not there are passed over.
 *   2. From there up to the mount each folder's limit and use are read; the one with the least left in proportion
 * counts.
 *
 * Locks: none. Allocation: none. */
#include "profiler/ceiling.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"
#include "base/os.h"

/* Above this a limit of version 1 means none: it is LONG_MAX rounded down to a page. */
#define NO_LIMIT ((uint64_t)1 << 62)

/* The files of one version of control groups. */
struct version {
    char mounts[2][12]; /* below the root */
    char limit[24], use[24];
    char caches[2][24]; /* rows of memory.stat */
};

static const struct version version_2 = {
    {"", "/unified"}, "memory.max", "memory.current", {"inactive_file ", "active_file "}};
static const struct version version_1 = {
    {"/memory", ""}, "memory.limit_in_bytes", "memory.usage_in_bytes", {"total_inactive_file ", "total_active_file "}};

static bool read_text(const char *path, char *out, size_t size) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    size_t length = 0;
    ssize_t n;
    while (length < size - 1 && ((n = read(fd, out + length, size - 1 - length)) > 0 || (n < 0 && errno == EINTR)))
        length += n > 0 ? (size_t)n : 0;
    close(fd);
    out[length] = '\0';
    return length > 0;
}

/* The number at the beginning; false for "max" and the like. */
static bool parse_number(const char *text, uint64_t *value) {
    *value = 0;
    for (const char *p = text; *p >= '0' && *p <= '9'; p++) {
        if (__builtin_mul_overflow(*value, 10, value) || __builtin_add_overflow(*value, (uint64_t)(*p - '0'), value))
            return false;
    }
    return *text >= '0' && *text <= '9';
}

static bool read_file(const char *folder, const char *name, char *out, size_t size) {
    char path[PATH_MAX];
    return log_format(path, sizeof path, "%s/%s", folder, name) < sizeof path - 1 && read_text(path, out, size);
}

static uint64_t row_of(const char *stat, const char *name) {
    uint64_t value = 0;
    size_t length = strlen(name);
    for (const char *row = stat; row; row = strchr(row, '\n') ? strchr(row, '\n') + 1 : NULL) {
        if (strncmp(row, name, length) == 0 && parse_number(row + length, &value))
            return value;
    }
    return 0;
}

static struct ceiling nearer(struct ceiling a, struct ceiling b) {
    if (!a.limit || !b.limit)
        return a.limit ? a : b;
    return (double)a.used / (double)a.limit >= (double)b.used / (double)b.limit ? a : b;
}

static struct ceiling read_group(const struct version *version, const char *folder) {
    struct ceiling none = {0, 0}, group;
    char text[4096];
    if (!read_file(folder, version->limit, text, sizeof text) || !parse_number(text, &group.limit) ||
        group.limit >= NO_LIMIT || !group.limit)
        return none;
    if (!read_file(folder, version->use, text, sizeof text) || !parse_number(text, &group.used))
        return none;
    uint64_t caches = 0;
    if (read_file(folder, "memory.stat", text, sizeof text))
        caches = row_of(text, version->caches[0]) + row_of(text, version->caches[1]);
    group.used -= caches < group.used ? caches : group.used;
    return group;
}

/* Step 2. */
static struct ceiling read_groups_up(const struct version *version, const char *mount, const char *group) {
    struct ceiling result = {0, 0};
    char folder[PATH_MAX];
    size_t top = strlen(mount);
    if (log_format(folder, sizeof folder, "%s%s", mount, group) >= sizeof folder - 1)
        return result;
    for (;;) {
        result = nearer(result, read_group(version, folder));
        char *slash = strrchr(folder, '/');
        if (!slash || (size_t)(slash - folder) < top)
            return result;
        *slash = '\0';
    }
}

/* Whether the comma list has the word. */
static bool names_memory(const char *controllers) {
    static const char word[] = "memory";
    for (const char *p = controllers; *p;) {
        size_t length = strcspn(p, ",");
        if (length == sizeof word - 1 && strncmp(p, word, length) == 0)
            return true;
        p += length + (p[length] == ',');
    }
    return false;
}

/* One line: "ID:controllers:/path"; version 2 has no controllers. */
static struct ceiling read_line(const char *root, char *line) {
    struct ceiling result = {0, 0};
    char *controllers = strchr(line, ':'), *path = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!path)
        return result;
    *path++ = '\0';
    bool is_version_2 = controllers[1] == '\0';
    if (!is_version_2 && !names_memory(controllers + 1))
        return result;
    const struct version *version = is_version_2 ? &version_2 : &version_1;
    for (int i = 0; i < 2 && !result.limit; i++) {
        char mount[PATH_MAX];
        log_format(mount, sizeof mount, "%s%s", root, version->mounts[i]);
        result = read_groups_up(version, mount, path);
    }
    return result;
}

struct ceiling ceiling_of_groups(const char *root, char *membership) {
    struct ceiling result = {0, 0};
    for (char *line = membership; line;) {
        char *end = strchr(line, '\n');
        if (end)
            *end = '\0';
        result = nearer(result, read_line(root, line));
        line = end ? end + 1 : NULL;
    }
    return result;
}

static struct ceiling against_limit(int resource, uint64_t pages) {
    struct rlimit limit;
    if (getrlimit(resource, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return (struct ceiling){0, 0};
    return (struct ceiling){pages * os_page_size(), limit.rlim_cur};
}

/* /proc/self/statm: size resident shared text lib data dt, in pages. */
static struct ceiling read_resource_limits(void) {
    uint64_t fields[6] = {0};
    char text[256];
    if (!read_text("/proc/self/statm", text, sizeof text))
        return (struct ceiling){0, 0};
    const char *next = text;
    for (int i = 0; i < 6 && next; i++) {
        parse_number(next, &fields[i]);
        next = strchr(next, ' ');
        next = next ? next + 1 : NULL;
    }
    return nearer(against_limit(RLIMIT_AS, fields[0]), against_limit(RLIMIT_DATA, fields[5]));
}

struct ceiling ceiling_read(void) {
    char membership[4096];
    struct ceiling groups = {0, 0};
    if (read_text("/proc/self/cgroup", membership, sizeof membership))
        groups = ceiling_of_groups("/sys/fs/cgroup", membership);
    return nearer(groups, read_resource_limits());
}
