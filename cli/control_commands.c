/* Locks: none. Allocation: malloc. */
#include "cli/control_commands.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "base/units.h"
#include "cli/control_client.h"
#include "cli/heaptap_options.h"
#include "cli/help.h"
#include "cli/quantity.h"

enum { STATUS_FAILED = 2, PID_MOST = INT_MAX, ASK_SECONDS = 10, DUMP_SECONDS = 600, LIST_SECONDS = 2 };

static int fail(const struct opts *opts, const char *text) {
    char clean[CONTROL_TEXT_MAX], title[80];
    text_clean(clean, sizeof clean, text);
    fprintf(stderr, "%s: %s\n", opts_title(opts->table, opts->command, title, sizeof title), clean);
    return STATUS_FAILED;
}

static int usage_error(const struct opts *opts, const char *text) {
    char title[80], clean[CONTROL_TEXT_MAX];
    opts_title(opts->table, opts->command, title, sizeof title);
    text_clean(clean, sizeof clean, text);
    fprintf(stderr, "%s: %s; see '%s --help'\n", title, clean, title);
    return STATUS_FAILED;
}

/* Operands and the value of --output. True when the command is to go on; else *status is what to return. */
static bool parse(struct opts *opts, const char **operands, int most, int *status, const char **output) {
    int id, count = 0;
    *status = 0;
    while ((id = opts_next(opts)) != OPTS_END) {
        if (id == OPTION_HELP) {
            help_print(opts, stdout);
            return false;
        }
        if (id == OPTION_OUTPUT) {
            *output = opts->value;
        } else if (id == OPTS_OPERAND && count < most) {
            operands[count++] = opts->value;
        } else {
            *status = usage_error(opts, id == OPTS_ERROR ? opts->error : "too many operands");
            return false;
        }
    }
    return true;
}

/* The process that the operand names. */
static bool find(const struct opts *opts, const char *operand, struct control_process *process) {
    char text[CONTROL_TEXT_MAX];
    uint64_t pid;
    if (!operand) {
        usage_error(opts, "no PID given");
        return false;
    }
    if (!opts_parse_count(operand, PID_MOST, &pid) || !pid) {
        snprintf(text, sizeof text, "bad PID '%.100s'", operand);
        usage_error(opts, text);
        return false;
    }
    if (control_client_find((pid_t)pid, process, text))
        return true;
    fail(opts, text);
    return false;
}

/* ---- ps ---- */

static uint64_t number_of(const char *answer, const char *name) {
    char value[32];
    uint64_t number;
    control_client_value(answer, name, value, sizeof value);
    return opts_parse_count(value, UINT64_MAX, &number) ? number : 0;
}

/* The program's name as the kernel has it. */
static void read_name(pid_t pid, char *out, size_t size) {
    char path[64], name[64] = "";
    snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
    FILE *file = fopen(path, "r");
    if (file && fgets(name, sizeof name, file))
        name[strcspn(name, "\n")] = '\0';
    if (file)
        fclose(file);
    text_clean(out, size, name);
}

static void print_silent(pid_t pid, const char *path, const char *why) {
    char name[64];
    read_name(pid, name, sizeof name);
    printf("%7d  %-16s %10s %8s %9s %9s  %s%s%s\n", (int)pid, name, "-", "-", "-", "-", path, *path ? " " : "", why);
}

static void print_process(const struct control_process *process) {
    char answer[CONTROL_TEXT_MAX], error[CONTROL_TEXT_MAX], program[64], clean[64], path[CONTROL_PLACE_MAX];
    char rate[QUANTITY_SIZE], heap[QUANTITY_SIZE], uptime[QUANTITY_SIZE];
    text_clean(path, sizeof path, process->path);
    if (!control_client_ask(process, "info", LIST_SECONDS, answer, error)) {
        print_silent(process->pid, path, "(no answer)");
        return;
    }
    control_client_value(answer, "program", program, sizeof program);
    text_clean(clean, sizeof clean, program);
    printf("%7d  %-16s %10s %8s %9s %9lu  %s\n", (int)process->pid, clean,
           quantity_duration(uptime, (int64_t)number_of(answer, "uptime_ms") * 1000000),
           quantity_format(rate, QUANTITY_BYTES, (int64_t)number_of(answer, "rate"), false),
           quantity_format(heap, QUANTITY_BYTES, (int64_t)number_of(answer, "heap_alloc"), false),
           (unsigned long)number_of(answer, "samples"), path);
}

int control_command_ps(struct opts *opts) {
    struct control_process *processes;
    size_t count;
    int status;
    if (!parse(opts, NULL, 0, &status, NULL))
        return status;
    if (!control_client_list(&processes, &count))
        return fail(opts, "out of memory");
    printf("%7s  %-16s %10s %8s %9s %9s  %s\n", "PID", "PROGRAM", "UPTIME", "RATE", "HEAP", "SAMPLES", "SOCKET");
    for (size_t i = 0; i < count; i++) {
        if (*processes[i].path)
            print_process(&processes[i]);
        else
            print_silent(processes[i].pid, "", "(none yet, or off)");
    }
    free(processes);
    return 0;
}

/* ---- dump ---- */

/* In the current directory; absolute, since the process has another one. */
static bool absolute_path(const char *file, char *out, size_t size) {
    char directory[PATH_MAX];
    if (*file == '/')
        return snprintf(out, size, "%s", file) < (int)size;
    return getcwd(directory, sizeof directory) &&
           snprintf(out, size, "%s/%s", strcmp(directory, "/") ? directory : "", file) < (int)size;
}

static bool has_pattern(const struct control_process *process) {
    char answer[CONTROL_TEXT_MAX], error[CONTROL_TEXT_MAX], value[8];
    if (!control_client_ask(process, "info", ASK_SECONDS, answer, error))
        return false;
    control_client_value(answer, "has_pattern", value, sizeof value);
    return strcmp(value, "1") == 0;
}

static void name_by_time(pid_t pid, char *out, size_t size) {
    char stamp[32];
    time_t now = time(NULL);
    struct tm utc;
    strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", gmtime_r(&now, &utc));
    snprintf(out, size, "heaptap.%d.%s.pb.gz", (int)pid, stamp);
}

int control_command_dump(struct opts *opts) {
    char answer[CONTROL_TEXT_MAX], error[CONTROL_TEXT_MAX], clean[CONTROL_TEXT_MAX], name[64], path[PATH_MAX];
    char line[CONTROL_TEXT_MAX] = "dump";
    const char *operand = NULL, *output = NULL;
    struct control_process process;
    int status;
    if (!parse(opts, &operand, 1, &status, &output))
        return status;
    if (!find(opts, operand, &process))
        return STATUS_FAILED;
    if (!output && !has_pattern(&process)) {
        name_by_time(process.pid, name, sizeof name);
        output = name;
    }
    if (output) {
        if (!*output || strchr(output, '\n') || !absolute_path(output, path, sizeof path))
            return fail(opts, "bad name of an output file");
        snprintf(line, sizeof line, "dump %s", path);
    }
    if (!control_client_ask(&process, line, DUMP_SECONDS, answer, error))
        return fail(opts, error);
    text_clean(clean, sizeof clean, answer);
    puts(clean);
    return 0;
}

/* ---- rate ---- */

static void print_rate(uint64_t rate, const char *before) {
    char text[32];
    printf("%s%s", before, units_format_bytes(text, sizeof text, rate));
}

int control_command_rate(struct opts *opts) {
    char answer[CONTROL_TEXT_MAX], error[CONTROL_TEXT_MAX], line[CONTROL_TEXT_MAX];
    const char *operands[2] = {NULL, NULL}, *unused;
    struct control_process process;
    uint64_t rate, previous, now;
    int status;
    if (!parse(opts, operands, 2, &status, &unused))
        return status;
    if (operands[1] && !units_parse_bytes(operands[1], &rate)) {
        snprintf(error, sizeof error, "bad value '%.100s' of BYTES", operands[1]);
        return usage_error(opts, error);
    }
    if (!find(opts, operands[0], &process))
        return STATUS_FAILED;
    if (operands[1])
        snprintf(line, sizeof line, "rate %lu", (unsigned long)rate);
    if (!control_client_ask(&process, operands[1] ? line : "info", ASK_SECONDS, answer, error))
        return fail(opts, error);
    if (!operands[1]) {
        print_rate(number_of(answer, "rate"), "");
    } else if (sscanf(answer, "%lu %lu", &previous, &now) == 2) {
        print_rate(previous, "");
        print_rate(now, " -> ");
    } else {
        return fail(opts, "the answer is not understood");
    }
    putchar('\n');
    return 0;
}
