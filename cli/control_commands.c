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

#include "base/units.h"
#include "base/text.h"
#include "cli/control_client.h"
#include "cli/opts.h"
#include "cli/quantity.h"

enum { STATUS_FAILED = 2, PID_MOST = INT_MAX, ASK_SECONDS = 10, DUMP_SECONDS = 600, LIST_SECONDS = 2 };

enum { OPTION_HELP = 1, OPTION_OUTPUT };

static const struct option_spec help_options[] = {
    {.id = OPTION_HELP, .short_name = 'h', .name = "help", .help = "print this"},
};

static const struct opts_table ps_table = {
    .program = "heaptap ps",
    .summary = "Lists the processes that run under libheaptap.so: pid, program, time since start, mean bytes between\n"
               "samples, bytes of live objects, samples taken, and the control socket. Root sees those of every user.\n"
               "Sockets of processes that are gone are removed.",
    .synopsis = "",
    .options = help_options,
    .count = 1,
};

static const struct option_spec dump_options[] = {
    {.id = OPTION_OUTPUT,
     .short_name = 'o',
     .name = "output",
     .argument = "FILE",
     .help = "the profile's file; else the next of the process's HEAPTAP_DUMP,\n"
             "or without that ./heaptap.PID.TIME.pb.gz"},
    {.id = OPTION_HELP, .short_name = 'h', .name = "help", .help = "print this"},
};

static const struct opts_table dump_table = {
    .program = "heaptap dump",
    .summary = "Has a process write a profile of its heap, and prints the file's name. The process writes it itself,\n"
               "with its own rights.",
    .synopsis = "[options] PID",
    .options = dump_options,
    .count = sizeof dump_options / sizeof *dump_options,
};

static const struct opts_table rate_table = {
    .program = "heaptap rate",
    .summary = "Sets the mean bytes between samples of a process while it runs, and prints the one before and the\n"
               "new one; 1 records every allocation, 0 none. Without BYTES it prints what is set.",
    .synopsis = "PID [BYTES]",
    .options = help_options,
    .count = 1,
};

static int fail(const struct opts_table *table, const char *text) {
    char clean[CONTROL_TEXT_MAX];
    text_clean(clean, sizeof clean, text);
    fprintf(stderr, "%s: %s\n", table->program, clean);
    return STATUS_FAILED;
}

static int usage_error(const struct opts_table *table, const char *text) {
    fprintf(stderr, "%s: %s; see '%s --help'\n", table->program, text, table->program);
    return STATUS_FAILED;
}

/* Operands and the value of --output. True when the command is to go on; else *status is what to return. */
static bool parse(const struct opts_table *table, int argc, char **argv, const char **operands, int most, int *status,
                  const char **output) {
    struct opts opts;
    int id, count = 0;
    *status = 0;
    opts_begin(&opts, table, argc, (const char *const *)argv);
    while ((id = opts_next(&opts)) != OPTS_END) {
        if (id == OPTION_HELP) {
            opts_print_help(table, stdout);
            return false;
        }
        if (id == OPTION_OUTPUT) {
            *output = opts.value;
        } else if (id == OPTS_OPERAND && count < most) {
            operands[count++] = opts.value;
        } else {
            *status = usage_error(table, id == OPTS_ERROR ? opts.error : "too many operands");
            return false;
        }
    }
    return true;
}

/* The process that the operand names. */
static bool find(const struct opts_table *table, const char *operand, struct control_process *process) {
    char text[CONTROL_TEXT_MAX];
    uint64_t pid;
    if (!operand) {
        usage_error(table, "no PID given");
        return false;
    }
    if (!opts_parse_count(operand, PID_MOST, &pid) || !pid) {
        snprintf(text, sizeof text, "bad PID '%.100s'", operand);
        usage_error(table, text);
        return false;
    }
    if (control_client_find((pid_t)pid, process, text))
        return true;
    fail(table, text);
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

int control_command_ps(int argc, char **argv) {
    struct control_process *processes;
    size_t count;
    int status;
    if (!parse(&ps_table, argc, argv, NULL, 0, &status, NULL))
        return status;
    if (!control_client_list(&processes, &count))
        return fail(&ps_table, "out of memory");
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

int control_command_dump(int argc, char **argv) {
    char answer[CONTROL_TEXT_MAX], error[CONTROL_TEXT_MAX], clean[CONTROL_TEXT_MAX], name[64], path[PATH_MAX];
    char line[CONTROL_TEXT_MAX] = "dump";
    const char *operand = NULL, *output = NULL;
    struct control_process process;
    int status;
    if (!parse(&dump_table, argc, argv, &operand, 1, &status, &output))
        return status;
    if (!find(&dump_table, operand, &process))
        return STATUS_FAILED;
    if (!output && !has_pattern(&process)) {
        name_by_time(process.pid, name, sizeof name);
        output = name;
    }
    if (output) {
        if (!*output || strchr(output, '\n') || !absolute_path(output, path, sizeof path))
            return fail(&dump_table, "bad name of an output file");
        snprintf(line, sizeof line, "dump %s", path);
    }
    if (!control_client_ask(&process, line, DUMP_SECONDS, answer, error))
        return fail(&dump_table, error);
    text_clean(clean, sizeof clean, answer);
    puts(clean);
    return 0;
}

/* ---- rate ---- */

static void print_rate(uint64_t rate, const char *before) {
    char text[32];
    printf("%s%s", before, units_format_bytes(text, sizeof text, rate));
}

int control_command_rate(int argc, char **argv) {
    char answer[CONTROL_TEXT_MAX], error[CONTROL_TEXT_MAX], line[CONTROL_TEXT_MAX];
    const char *operands[2] = {NULL, NULL}, *unused;
    struct control_process process;
    uint64_t rate, previous, now;
    int status;
    if (!parse(&rate_table, argc, argv, operands, 2, &status, &unused))
        return status;
    if (operands[1] && !units_parse_bytes(operands[1], &rate)) {
        snprintf(error, sizeof error, "bad value '%.100s' of BYTES", operands[1]);
        return usage_error(&rate_table, error);
    }
    if (!find(&rate_table, operands[0], &process))
        return STATUS_FAILED;
    if (operands[1])
        snprintf(line, sizeof line, "rate %lu", (unsigned long)rate);
    if (!control_client_ask(&process, operands[1] ? line : "info", ASK_SECONDS, answer, error))
        return fail(&rate_table, error);
    if (!operands[1]) {
        print_rate(number_of(answer, "rate"), "");
    } else if (sscanf(answer, "%lu %lu", &previous, &now) == 2) {
        print_rate(previous, "");
        print_rate(now, " -> ");
    } else {
        return fail(&rate_table, "the answer is not understood");
    }
    putchar('\n');
    return 0;
}
