/* heapdiff: shows heap profiles and what changed between two of them.
 *
 *   1. the option table (cli/heapdiff_options) turns the command line into a struct request
 *   2. where no command is named, one operand is shown and two are compared
 *   3. cli/commands does it; whatever goes wrong comes back as one line, printed here and nowhere else
 *
 * Exit: 0 done, 2 usage or input error, 141 when the reader of the output went away. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/heapdiff_options.h"
#include "cli/help.h"

enum { EXIT_ERROR = 2, EXIT_CLOSED_PIPE = 141, DEFAULT_ROWS = 20 };

/* What the command line is collected in; the lists hold at most one entry an argument. */
struct command_line {
    struct request request;
    const char **paths, **dirs;
    int command;
    bool is_done; /* --help or --version was served */
};

/* Where an option's text is kept as it is; NULL for the other options. */
static const char **find_text(struct request *request, int id) {
    switch (id) {
    case OPT_SAMPLE:
        return &request->sample_type;
    case OPT_FOCUS:
        return &request->filter.focus;
    case OPT_IGNORE:
        return &request->filter.ignore;
    case OPT_HIDE:
        return &request->filter.hide;
    case OPT_SHOW:
        return &request->filter.show;
    case OPT_OUTPUT:
        return &request->output;
    default:
        return NULL;
    }
}

static void take_choice(struct request *request, int id, const struct opts *opts) {
    int choice = (int)opts->choice;
    if (id == OPT_BY) {
        request->by = (enum heapprofile_by)choice;
        request->label = request->by == HEAPPROFILE_BY_LABEL ? opts->value + strlen("label:") : NULL;
    }
    if (id == OPT_FORMAT)
        request->format = (enum request_format)choice;
    if (id == OPT_BASE_MODE)
        request->is_subtraction = choice == 1;
    if (id == OPT_COLOR)
        request->color = (enum term_color)choice;
}

static void take_option(struct command_line *line, const struct opts *opts) {
    struct request *request = &line->request;
    int id = opts->spec->id;
    if (find_text(request, id))
        *find_text(request, id) = opts->value;
    else if (opts->spec->kind == VALUE_CHOICE)
        take_choice(request, id, opts);
    else if (opts->spec->single_dash) /* the name of a view */
        request->sample_type = opts->spec->name;
    else if (id == OPT_ROWS)
        request->most_rows = opts->number;
    else if (id == OPT_FLAT || id == OPT_CUM)
        request->by_cum = id == OPT_CUM;
    else if (id == OPT_DEBUG_DIR)
        line->dirs[request->debug_dir_count++] = opts->value;
    else if (id == OPT_NO_SYMBOLIZE)
        request->is_verbatim = true;
    else if (id == OPT_VERSION)
        puts("heapdiff " HEAPTAP_VERSION);
    else if (id == OPT_HELP)
        help_print(opts, stdout);
    line->is_done |= id == OPT_VERSION || id == OPT_HELP;
}

static bool parse(struct command_line *line, int argc, char **argv, struct heapprofile_error *error) {
    struct opts opts;
    int id;
    opts_begin(&opts, &heapdiff_options, argc, (const char *const *)argv);
    line->command = (int)(opts.command - heapdiff_options.commands);
    while (!line->is_done && (id = opts_next(&opts)) != OPTS_END) {
        if (id == OPTS_ERROR) {
            snprintf(error->text, sizeof error->text, "%s", opts.error);
            return false;
        }
        if (id == OPTS_OPERAND)
            line->paths[line->request.path_count++] = opts.value;
        else
            take_option(line, &opts);
    }
    return true;
}

/* Directories of PPROF_BINARY_PATH come after those of the command line. */
static bool add_binary_path(struct command_line *line, size_t room, char **copy) {
    const char *path = getenv("PPROF_BINARY_PATH");
    if (!path || !(*copy = strdup(path)))
        return !path;
    char *rest = *copy;
    for (char *dir; (dir = strsep(&rest, ":")) != NULL && line->request.debug_dir_count < room;)
        if (*dir)
            line->dirs[line->request.debug_dir_count++] = dir;
    return true;
}

static bool check_operands(const struct command_line *line, struct heapprofile_error *error) {
    const struct request *request = &line->request;
    bool is_merge = line->command == COMMAND_MERGE;
    const char *name = heapdiff_options.commands[line->command].name;
    if (!request->path_count || (!is_merge && request->path_count > 1))
        snprintf(error->text, sizeof error->text, "'%s' needs %s; see 'heapdiff --help'", name,
                 is_merge ? "at least one profile" : "one profile");
    else if (!request->output)
        snprintf(error->text, sizeof error->text, "'%s' needs -o FILE", name);
    else
        return true;
    return false;
}

static bool dispatch(const struct command_line *line, struct heapprofile_error *error) {
    const struct request *request = &line->request;
    if (line->command != COMMAND_SHOW)
        return check_operands(line, error) &&
               (line->command == COMMAND_MERGE ? command_merge(request, error) : command_symbolize(request, error));
    if (request->path_count == 1)
        return command_show(request, error);
    if (request->path_count == 2)
        return command_diff(request, error);
    snprintf(error->text, sizeof error->text, "one or two profiles are needed, not %zu; see 'heapdiff --help'",
             request->path_count);
    return false;
}

int main(int argc, char **argv) {
    enum { BINARY_DIRS = 64 };
    static struct heapprofile_error error = {"out of memory"};
    size_t room = (size_t)argc + BINARY_DIRS;
    char *binary_path = NULL;
    struct command_line line = {.request = {.most_rows = DEFAULT_ROWS}};
    line.paths = calloc(room, sizeof *line.paths);
    line.dirs = calloc(room, sizeof *line.dirs);
    line.request.paths = line.paths;
    line.request.debug_dirs = line.dirs;
    /* A write to a closed pipe must come back as an error, whatever disposition was inherited. */
    signal(SIGPIPE, SIG_IGN);
    bool ok = line.paths && line.dirs && parse(&line, argc, argv, &error);
    if (line.request.output && strcmp(line.request.output, "-") == 0)
        line.request.output = NULL;
    if (ok && line.is_done) {
        ok = fflush(stdout) == 0;
        snprintf(error.text, sizeof error.text, "cannot write 'standard output'");
    } else if (ok) {
        ok = add_binary_path(&line, room, &binary_path) && dispatch(&line, &error);
    }
    free(line.paths);
    free(line.dirs);
    free(binary_path);
    if (ok)
        return 0;
    if (!*error.text)
        return EXIT_CLOSED_PIPE;
    fprintf(stderr, "heapdiff: %s\n", error.text);
    return EXIT_ERROR;
}
