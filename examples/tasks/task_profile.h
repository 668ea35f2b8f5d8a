/* Writes a profile of the program that includes it, and has heapdiff, which the build made beside, read it. */
#ifndef EXAMPLES_TASKS_TASK_PROFILE_H
#define EXAMPLES_TASKS_TASK_PROFILE_H

#include <sys/wait.h>

#include "examples/tasks/task.h"

enum { TASK_ROWS_MOST = 256, TASK_NAME_MOST = 512, TASK_PATH_MOST = 4096 };

struct task_row {
    char name[TASK_NAME_MOST];
    int64_t flat; /* by itself */
    int64_t cum;  /* with all that it calls */
};

struct task_rows {
    size_t count;
    int64_t total;
    struct task_row rows[TASK_ROWS_MOST];
};

/* Where heapdiff is: two folders above this program. */
static inline const char *task_heapdiff_path(void) {
    static char path[TASK_PATH_MOST];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - sizeof "/heapdiff");
    task_expect(length > 0, "cannot read '/proc/self/exe': %s", strerror(errno));
    path[length] = '\0';
    for (int up = 0; up < 3; up++) {
        char *slash = strrchr(path, '/');
        task_expect(slash != NULL, "cannot find heapdiff");
        *slash = '\0';
    }
    strcat(path, "/heapdiff");
    return path;
}

/* The profile as it is now, in a file of its own. */
static inline void task_profile_write(char path[TASK_PATH_MOST]) {
    const char *folder = getenv("TMPDIR");
    snprintf(path, TASK_PATH_MOST, "%s/heaptap-task-XXXXXX", folder && *folder ? folder : "/tmp");
    int fd = mkstemp(path);
    task_expect(fd >= 0, "cannot make '%s': %s", path, strerror(errno));
    int error = heaptap_write_profile(fd, HEAPTAP_HEAP);
    close(fd);
    task_expect(error == 0, "cannot write the profile: %s", strerror(-error));
}

/* A program's output, line by line. */
static inline void task_read_lines(const char *command, void (*take)(const char *line, void *context), void *context) {
    fflush(stdout);
    FILE *output = popen(command, "r");
    task_expect(output != NULL, "cannot run '%s': %s", command, strerror(errno));
    static char line[8192];
    while (fgets(line, sizeof line, output))
        take(line, context);
    int status = pclose(output);
    task_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "'%s' failed", command);
}

static inline void task_take_row(const char *line, void *context) {
    struct task_rows *rows = context;
    struct task_row row;
    const char *total = strstr(line, "\"total\": ");
    if (strncmp(line, "\"profile\"", 9) == 0 && total)
        rows->total = strtoll(total + strlen("\"total\": "), NULL, 10);
    if (sscanf(line, "{\"name\": \"%511[^\"]\"", row.name) != 1)
        return;
    const char *flat = strstr(line, "\"flat\": ");
    task_expect(flat && sscanf(flat, "\"flat\": %" SCNd64 ", \"cum\": %" SCNd64, &row.flat, &row.cum) == 2,
                "cannot understand '%s'", line);
    task_expect(rows->count < TASK_ROWS_MOST, "heapdiff shows more than %d rows", TASK_ROWS_MOST);
    rows->rows[rows->count++] = row;
}

/* All rows of a profile, in heapdiff's order, by the function, file, mapping or stack. */
static inline void task_heapdiff(struct task_rows *rows, const char *profile, const char *view, const char *by) {
    char command[3 * TASK_PATH_MOST];
    snprintf(command, sizeof command, "'%s' --format json --sample %s --by %s '%s'", task_heapdiff_path(), view, by,
             profile);
    rows->count = 0;
    rows->total = 0;
    task_read_lines(command, task_take_row, rows);
}

/* The one row whose name begins like this; NULL without one. */
static inline const struct task_row *task_find_row(const struct task_rows *rows, const char *begin) {
    for (size_t i = 0; i < rows->count; i++)
        if (strncmp(rows->rows[i].name, begin, strlen(begin)) == 0)
            return &rows->rows[i];
    return NULL;
}

/* What a row shows by itself; 0 without one. */
static inline int64_t task_flat_of(const struct task_rows *rows, const char *begin) {
    const struct task_row *row = task_find_row(rows, begin);
    return row ? row->flat : 0;
}

#endif
