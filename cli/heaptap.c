/* heaptap: starts programs under the library and steers them. The first operand names what to do; each such command has
 * one option table, from which its parser and its help are made, and one function.
 *
 *   heaptap run [options] -- CMD ARGS
 *   heaptap recover [options] FILE
 *   heaptap ps
 *   heaptap dump [-o FILE] PID
 *   heaptap rate PID [BYTES] */
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/options.h"
#include "cli/control_commands.h"
#include "cli/opts.h"
#include "cli/recover.h"
#include "cli/run.h"

enum { EXIT_USAGE = 2, EXIT_PIPE = 141 };

enum {
    OPTION_HELP = 1,
    OPTION_VERSION,
    OPTION_RATE,
    OPTION_DUMP,
    OPTION_INTERVAL,
    OPTION_ON,
    OPTION_KEEP,
    OPTION_CONTROL,
    OPTION_UNWINDER,
    OPTION_DEPTH,
    OPTION_LABELS,
    OPTION_BLACKBOX,
    OPTION_TABLE_MAX,
    OPTION_MEMLIMIT,
    OPTION_SEED,
    OPTION_OUTPUT,
    OPTION_COPIED
};

static const struct option_spec run_options[] = {
    {.id = OPTION_RATE,
     .name = "rate",
     .argument = "BYTES",
     .help = "mean bytes between samples (512KiB); 1 records all, 0 none"},
    {.id = OPTION_DUMP,
     .name = "dump",
     .argument = "PATTERN",
     .help = "profile files (./heaptap.%p.%n.pb.gz): %p pid, %n number,\n%t UTC time, %h host, %e program, "
             "%r reason"},
    {.id = OPTION_INTERVAL, .name = "interval", .argument = "TIME", .help = "a profile every 30s, 5m, 1h"},
    {.id = OPTION_ON,
     .name = "on",
     .argument = "LIST",
     .help = "when to write: exit, signal:USR2, peak:10%, growth:64MiB,\nlimit:90% (exit)"},
    {.id = OPTION_KEEP, .name = "keep", .argument = "N", .help = "newest files kept by each process (100)"},
    {.id = OPTION_CONTROL,
     .name = "control",
     .argument = "PATTERN",
     .help =
         "the control socket: a path with %p, or off\n($XDG_RUNTIME_DIR/heaptap/%p.sock or /tmp/heaptap-UID/%p.sock)"},
    {.id = OPTION_UNWINDER,
     .name = "unwinder",
     .argument = "WAY",
     .choices = "auto|eh|fp|libunwind",
     .help = "how stacks are walked (auto)"},
    {.id = OPTION_DEPTH, .name = "depth", .argument = "N", .help = "frames kept of a stack, 1 to 1024 (128)"},
    {.id = OPTION_LABELS,
     .name = "labels",
     .argument = "LIST",
     .help = "thread: samples carry their thread's name; age: profiles tell\nwhat is in use by its age"},
    {.id = OPTION_BLACKBOX,
     .name = "blackbox",
     .argument = "PATTERN",
     .help = "a file that keeps the profile if CMD is killed; best under /dev/shm"},
    {.id = OPTION_TABLE_MAX,
     .name = "table-max",
     .argument = "BYTES",
     .help = "ceiling of the profiler's own memory (64MiB)"},
    {.id = OPTION_MEMLIMIT,
     .name = "memlimit",
     .argument = "BYTES",
     .help = "soft limit on the heap's memory: idle memory goes back sooner"},
    {.id = OPTION_SEED, .name = "seed", .argument = "N", .help = "seed of the sampler, for runs that can be repeated"},
    {.id = OPTION_HELP, .short_name = 'h', .name = "help", .help = "print this"},
};

static const struct opts_table run_table = {
    .program = "heaptap run",
    .summary = "Runs CMD with libheaptap.so preloaded, passes its status through (125: heaptap itself "
               "failed, 126: CMD\n"
               "cannot be executed, 127: it was not found), and names the profiles that were written on "
               "stderr. Options\n"
               "set the HEAPTAP_ variables of CMD's environment. HEAPTAP_LIB names the library where it is "
               "not found.",
    .synopsis = "[options] [--] CMD [ARG...]",
    .options = run_options,
    .count = sizeof run_options / sizeof *run_options,
};

static const struct option_spec recover_options[] = {
    {.id = OPTION_OUTPUT,
     .short_name = 'o',
     .name = "output",
     .argument = "FILE",
     .help = "instead of standard output"},
    {.id = OPTION_COPIED,
     .name = "copied",
     .help =
         "FILE was copied here from another machine, or before this one was\nstarted anew: believe that it is whole"},
    {.id = OPTION_HELP, .short_name = 'h', .name = "help", .help = "print this"},
};

static const struct opts_table recover_table = {
    .program = "heaptap recover",
    .summary = "Writes the profile of a process that was killed, from the file that HEAPTAP_BLACKBOX named for it. A\n"
               "file that is torn is refused: status 2, and one line that says where.",
    .synopsis = "[options] FILE",
    .options = recover_options,
    .count = sizeof recover_options / sizeof *recover_options,
};

static const struct option_spec main_options[] = {
    {.id = OPTION_HELP,
     .short_name = 'h',
     .name = "help",
     .help = "print this; `heaptap COMMAND --help` for its options"},
    {.id = OPTION_VERSION, .name = "version", .help = "print the version"},
};

static const struct opts_table main_table = {
    .program = "heaptap",
    .summary = "Heap profiles of programs as they are, without building them anew.",
    .synopsis = "run [options] [--] CMD [ARG...]\nps\ndump [-o FILE] PID\nrate PID [BYTES]\nrecover [options] FILE",
    .options = main_options,
    .count = sizeof main_options / sizeof *main_options,
};

/* What each option becomes in CMD's environment. */
static const struct {
    int id;
    const char *variable;
} run_variables[] = {
    {OPTION_RATE, "HEAPTAP_MEMPROFILERATE"},
    {OPTION_DUMP, "HEAPTAP_DUMP"},
    {OPTION_INTERVAL, "HEAPTAP_DUMP_INTERVAL"},
    {OPTION_ON, "HEAPTAP_DUMP_ON"},
    {OPTION_KEEP, "HEAPTAP_DUMP_KEEP"},
    {OPTION_CONTROL, "HEAPTAP_CONTROL"},
    {OPTION_UNWINDER, "HEAPTAP_UNWINDER"},
    {OPTION_DEPTH, "HEAPTAP_DEPTH"},
    {OPTION_LABELS, "HEAPTAP_LABELS"},
    {OPTION_BLACKBOX, "HEAPTAP_BLACKBOX"},
    {OPTION_TABLE_MAX, "HEAPTAP_TABLE_MAX"},
    {OPTION_MEMLIMIT, "HEAPTAP_MEMLIMIT"},
    {OPTION_SEED, "HEAPTAP_SEED"},
};

enum { RUN_VARIABLES = sizeof run_variables / sizeof *run_variables };

static int usage_error(const struct opts_table *table, const char *text, int status) {
    fprintf(stderr, "%s: %s; see '%s --help'\n", table->program, text, table->program);
    return status;
}

/* A value that the library would refuse is refused here, before anything runs. */
static bool is_good_value(int id, const char *value) {
    for (size_t i = 0; i < RUN_VARIABLES; i++) {
        if (run_variables[i].id == id)
            return options_accept(run_variables[i].variable, value);
    }
    return false;
}

static const char *option_name(int id) {
    for (size_t i = 0; i < run_table.count; i++)
        if (run_options[i].id == id)
            return run_options[i].name;
    return "";
}

/* argv[0] is "run", argv[argc] is NULL. */
static int main_run(int argc, char **argv) {
    struct run_variable variables[RUN_VARIABLES + 1];
    struct opts opts;
    int id;
    for (size_t i = 0; i < RUN_VARIABLES; i++)
        variables[i] = (struct run_variable){run_variables[i].variable, NULL};
    variables[RUN_VARIABLES] = (struct run_variable){NULL, NULL};

    opts_begin(&opts, &run_table, argc, (const char *const *)argv);
    opts.stop_at_operand = true;
    while ((id = opts_next(&opts)) > 0) {
        if (id == OPTION_HELP) {
            opts_print_help(&run_table, stdout);
            return 0;
        }
        if (!is_good_value(id, opts.value)) {
            char text[200];
            snprintf(text, sizeof text, "bad value '%.100s' for '--%s'", opts.value, option_name(id));
            return usage_error(&run_table, text, RUN_EXIT_FAILURE);
        }
        for (size_t i = 0; i < RUN_VARIABLES; i++)
            if (run_variables[i].id == id)
                variables[i].value = opts.value;
    }
    if (id == OPTS_ERROR)
        return usage_error(&run_table, opts.error, RUN_EXIT_FAILURE);
    if (opts.index >= argc)
        return usage_error(&run_table, "no command to run", RUN_EXIT_FAILURE);
    return run_command(&(struct run_request){.command = argv + opts.index, .variables = variables});
}

/* argv[0] is "recover". */
static int main_recover(int argc, char **argv) {
    struct recover_request request = {.path = NULL};
    struct heapprofile_error error = {"out of memory"};
    struct opts opts;
    int id;
    opts_begin(&opts, &recover_table, argc, (const char *const *)argv);
    while ((id = opts_next(&opts)) != OPTS_END) {
        if (id == OPTION_HELP) {
            opts_print_help(&recover_table, stdout);
            return 0;
        }
        if (id == OPTS_ERROR)
            return usage_error(&recover_table, opts.error, EXIT_USAGE);
        if (id == OPTS_OPERAND && request.path)
            return usage_error(&recover_table, "more than one file", EXIT_USAGE);
        if (id == OPTS_OPERAND)
            request.path = opts.value;
        else if (id == OPTION_OUTPUT)
            request.output = opts.value;
        else
            request.is_copied = true;
    }
    if (!request.path)
        return usage_error(&recover_table, "no file given", EXIT_USAGE);
    signal(SIGPIPE, SIG_IGN);
    if (recover_command(&request, &error))
        return 0;
    if (*error.text)
        fprintf(stderr, "heaptap: %s\n", error.text);
    return *error.text ? EXIT_USAGE : EXIT_PIPE;
}

/* argv[0] is the command's name; they return the exit status. */
static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
} commands[] = {
    {"run", main_run},
    {"ps", control_command_ps},
    {"dump", control_command_dump},
    {"rate", control_command_rate},
    {"recover", main_recover},
};

int main(int argc, char **argv) {
    struct opts opts;
    opts_begin(&opts, &main_table, argc, (const char *const *)argv);
    opts.stop_at_operand = true;
    switch (opts_next(&opts)) {
    case OPTION_HELP:
        opts_print_help(&main_table, stdout);
        return 0;
    case OPTION_VERSION:
        puts("heaptap " HEAPTAP_VERSION);
        return 0;
    case OPTS_ERROR:
        return usage_error(&main_table, opts.error, EXIT_USAGE);
    default:
        break;
    }
    if (opts.index >= argc)
        return usage_error(&main_table, "no command given", EXIT_USAGE);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(argv[opts.index], commands[i].name) == 0)
            return commands[i].run(argc - opts.index, argv + opts.index);
    char text[120];
    snprintf(text, sizeof text, "unknown command '%.60s'", argv[opts.index]);
    return usage_error(&main_table, text, EXIT_USAGE);
}
