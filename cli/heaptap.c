/* heaptap: starts programs under the library and steers them. The first operand names what to do; each such command has
 * one function here, and its options in cli/heaptap_options.
 *
 *   heaptap run [options] -- CMD ARGS
 *   heaptap recover [options] FILE
 *   heaptap ps
 *   heaptap dump [-o FILE] PID
 *   heaptap rate PID [BYTES] */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/options.h"
#include "base/text.h"
#include "cli/control_commands.h"
#include "cli/heaptap_options.h"
#include "cli/help.h"
#include "cli/recover.h"
#include "cli/run.h"

enum { EXIT_USAGE = 2, EXIT_PIPE = 141 };

static int usage_error(const struct opts *opts, const char *text, int status) {
    char title[80], clean[400];
    opts_title(opts->table, opts->command, title, sizeof title);
    text_clean(clean, sizeof clean, text);
    fprintf(stderr, "%s: %s; see '%s --help'\n", title, clean, title);
    return status;
}

static int print_help(const struct opts *opts) {
    help_print(opts, stdout);
    return 0;
}

/* The setting of an option of `heaptap run`. */
static const struct heaptap_setting *find_setting(int id) {
    const struct heaptap_setting *setting = heaptap_settings;
    while (setting->option != id)
        setting++;
    return setting;
}

static int main_run(struct opts *opts) {
    enum { MOST_SETTINGS = 32 };
    struct run_variable variables[MOST_SETTINGS + 1] = {{NULL, NULL}};
    int id;
    for (size_t i = 0; i < heaptap_setting_count && i < MOST_SETTINGS; i++)
        variables[i] = (struct run_variable){heaptap_settings[i].variable, NULL};
    while ((id = opts_next(opts)) > 0) {
        if (id == OPTION_HELP)
            return print_help(opts);
        const struct heaptap_setting *setting = find_setting(id);
        /* A value that the library would refuse is refused here, before anything runs. */
        if (!options_accept(setting->variable, opts->value)) {
            char text[200];
            snprintf(text, sizeof text, "bad value '%.100s' for '--%s': %s is needed", opts->value, opts->spec->name,
                     options_want(setting->variable));
            return usage_error(opts, text, RUN_EXIT_FAILURE);
        }
        variables[setting - heaptap_settings].value = opts->value;
    }
    if (id == OPTS_ERROR)
        return usage_error(opts, opts->error, RUN_EXIT_FAILURE);
    if (opts->index >= opts->argc)
        return usage_error(opts, "no command to run", RUN_EXIT_FAILURE);
    return run_command(&(struct run_request){.command = opts->argv + opts->index, .variables = variables});
}

static int main_recover(struct opts *opts) {
    struct recover_request request = {.path = NULL};
    struct heapprofile_error error = {"out of memory"};
    int id;
    while ((id = opts_next(opts)) != OPTS_END) {
        if (id == OPTION_HELP)
            return print_help(opts);
        if (id == OPTS_ERROR)
            return usage_error(opts, opts->error, EXIT_USAGE);
        if (id == OPTS_OPERAND && request.path)
            return usage_error(opts, "more than one file", EXIT_USAGE);
        if (id == OPTS_OPERAND)
            request.path = opts->value;
        else if (id == OPTION_OUTPUT)
            request.output = opts->value;
        else
            request.is_copied = true;
    }
    if (!request.path)
        return usage_error(opts, "no file given", EXIT_USAGE);
    signal(SIGPIPE, SIG_IGN);
    if (recover_command(&request, &error))
        return 0;
    if (*error.text)
        fprintf(stderr, "heaptap: %s\n", error.text);
    return *error.text ? EXIT_USAGE : EXIT_PIPE;
}

/* No command was named, or one that there is not. */
static int main_none(struct opts *opts) {
    char text[160];
    const char *near;
    switch (opts_next(opts)) {
    case OPTION_HELP:
        return print_help(opts);
    case OPTION_VERSION:
        puts("heaptap " HEAPTAP_VERSION);
        return 0;
    case OPTS_ERROR:
        return usage_error(opts, opts->error, EXIT_USAGE);
    case OPTS_END:
        return usage_error(opts, "no command given", EXIT_USAGE);
    default:
        near = opts_near_command(opts->table, opts->value);
        snprintf(text, sizeof text, "unknown command '%.60s'%s%s%s", opts->value, near ? " (did you mean '" : "",
                 near ? near : "", near ? "'?)" : "");
        return usage_error(opts, text, EXIT_USAGE);
    }
}

/* They return the exit status. */
static int (*const mains[])(struct opts *opts) = {
    [COMMAND_NONE] = main_none,
    [COMMAND_RUN] = main_run,
    [COMMAND_PS] = control_command_ps,
    [COMMAND_DUMP] = control_command_dump,
    [COMMAND_RATE] = control_command_rate,
    [COMMAND_RECOVER] = main_recover,
};

int main(int argc, char **argv) {
    struct opts opts;
    opts_begin(&opts, &heaptap_options, argc, (const char *const *)argv);
    int status = mains[opts.command - heaptap_options.commands](&opts);
    if (fflush(stdout) == 0 || status)
        return status;
    fprintf(stderr, "heaptap: cannot write 'standard output': %s\n", strerror(errno));
    return EXIT_USAGE;
}
