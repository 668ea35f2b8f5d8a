/* Runs the program that includes it a second time, with HEAPTAP_SCAVTRACE=1, and reads the scavenger's lines from the
 * stderr of that run while it goes on:
 *
 *   heaptap: scav 1024 KiB work (bg), 0 KiB work (eager), 95232 KiB now, 87% util
 *   heaptap: scav 2048 KiB work (bg), 0 KiB work (eager), 97280 KiB now, 99% util (forced)
 *
 * work: returned to the system since the line before; now: heap_released; util: how much of what the heap retains is in
 * use, by spans. Every line goes on to stdout. */
#ifndef EXAMPLES_TASKS_TASK_TRACE_H
#define EXAMPLES_TASKS_TASK_TRACE_H

#include <sys/wait.h>

#include "examples/tasks/task.h"

struct task_trace {
    unsigned lines;
    uint64_t background_kib; /* returned by the background thread, of all lines */
    uint64_t now_kib;        /* of the last line, as is util */
    unsigned util;
    unsigned forced;      /* lines that are heaptap_free_os_memory's */
    unsigned forced_util; /* of the first of these */
};

/* True when this process is the second run. */
static inline bool task_trace_is_traced(void) { return getenv("HEAPTAP_SCAVTRACE") != NULL; }

static inline void task_trace_read_line(struct task_trace *trace, const char *line) {
    uint64_t background, eager, now;
    unsigned util;
    int used = 0;
    if (sscanf(line,
               "heaptap: scav %" SCNu64 " KiB work (bg), %" SCNu64 " KiB work (eager), %" SCNu64
               " KiB now, %u%% util%n",
               &background, &eager, &now, &util, &used) != 4 ||
        used == 0)
        return;
    trace->lines++;
    if (strstr(line + used, " (forced)") && trace->forced++ == 0)
        trace->forced_util = util;
    trace->background_kib += background;
    trace->now_kib = now;
    trace->util = util;
}

/* The exit status of a run that fails is this program's too. */
static inline struct task_trace task_trace_run(char **arguments) {
    struct task_trace trace = {0};
    int ends[2];
    task_expect(pipe2(ends, O_CLOEXEC) == 0, "cannot make a pipe: %s", strerror(errno));
    pid_t child = fork();
    task_expect(child >= 0, "cannot fork: %s", strerror(errno));
    if (child == 0) {
        setenv("HEAPTAP_SCAVTRACE", "1", 1);
        dup2(ends[1], STDERR_FILENO);
        execv("/proc/self/exe", arguments);
        _exit(127);
    }
    close(ends[1]);
    FILE *lines = fdopen(ends[0], "r");
    task_expect(lines != NULL, "cannot read the pipe: %s", strerror(errno));
    char line[256];
    while (fgets(line, sizeof line, lines)) {
        task_trace_read_line(&trace, line);
        printf("%s", line);
        fflush(stdout);
    }
    fclose(lines);
    int status = 0;
    waitpid(child, &status, 0);
    task_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the traced run failed");
    return trace;
}

#endif
