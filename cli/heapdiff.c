/* heapdiff: shows heap profiles and what changed between two of them.
 *
 *   1. the option table (cli/heapdiff_options) turns the command line into a struct request
 *   2. the first operand may name a command; else one operand is shown and two are compared
 *   3. cli/commands does it; whatever goes wrong comes back as one line, printed here and nowhere else
 *
 * Exit: 0 done, 2 usage or input error, 141 when the reader of the output went away. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/heapdiff_options.h"
#include "cli/summary.h"

enum { EXIT_ERROR = 2, EXIT_CLOSED_PIPE = 141, DEFAULT_ROWS = 20 };

/* What the command line is collected in; the lists hold at most one entry an argument. */
struct command_line {
    struct request request;
    const char **paths, **dirs;
    bool is_done; /* --help or --version was served */
};

static int index_of(const char *choices, const char *value) {
    int index = 0;
    size_t length = strlen(value);
    for (const char *p = choices; p; p = strchr(p, '|') ? strchr(p, '|') + 1 : NULL, index++)
        if (strncmp(p, value, length) == 0 && (p[length] == '|' || !p[length]))
            return index;
    return 0;
}

static const struct option_spec *find_spec(int id) {
    const struct option_spec *spec = heapdiff_options.options;
    while (spec->id != id)
        spec++;
    return spec;
}

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

static void take_choice(struct request *request, int id, int choice) {
    if (id == OPT_FORMAT)
        request->format = (enum request_format)choice;
    if (id == OPT_BASE_MODE)
        request->is_subtraction = choice == 1;
    if (id == OPT_COLOR)
        request->color = (enum term_color)choice;
}

static bool take_rows(struct request *request, const char *value, struct heapprofile_error *error) {
    if (opts_parse_count(value, UINT32_MAX, &request->most_rows))
        return true;
    snprintf(error->text, sizeof error->text, "bad value '%.60s' for '--rows': a number is needed", value);
    return false;
}

static bool take_by(struct request *request, const char *value, struct heapprofile_error *error) {
    static const char prefix[] = "label:";
    if (strncmp(value, prefix, sizeof prefix - 1) == 0 && value[sizeof prefix - 1]) {
        request->by = HEAPPROFILE_BY_LABEL;
        request->label = value + sizeof prefix - 1;
        return true;
    }
    for (int by = 0; by < HEAPPROFILE_BY_LABEL; by++) {
        request->by = (enum heapprofile_by)by;
        if (strcmp(value, summary_by_names[by]) == 0)
            return true;
    }
    snprintf(error->text, sizeof error->text,
             "bad value '%.60s' for '--by': one of function|line|file|package|mapping|stack|label:KEY", value);
    return false;
}

static bool take_option(struct command_line *line, int id, const char *value, struct heapprofile_error *error) {
    struct request *request = &line->request;
    const struct option_spec *spec = find_spec(id);
    if (find_text(request, id))
        *find_text(request, id) = value;
    else if (spec->choices)
        take_choice(request, id, index_of(spec->choices, value));
    else if (spec->single_dash) /* the name of a view */
        request->sample_type = spec->name;
    else if (id == OPT_BY)
        return take_by(request, value, error);
    else if (id == OPT_ROWS)
        return take_rows(request, value, error);
    else if (id == OPT_FLAT || id == OPT_CUM)
        request->by_cum = id == OPT_CUM;
    else if (id == OPT_DEBUG_DIR)
        line->dirs[request->debug_dir_count++] = value;
    else if (id == OPT_NO_SYMBOLIZE)
        request->is_verbatim = true;
    else if (id == OPT_VERSION)
        puts("heapdiff " HEAPTAP_VERSION);
    else if (id == OPT_HELP)
        opts_print_help(&heapdiff_options, stdout);
    line->is_done |= id == OPT_VERSION || id == OPT_HELP;
    return true;
}

static bool parse(struct command_line *line, int argc, char **argv, struct heapprofile_error *error) {
    struct opts opts;
    int id;
    opts_begin(&opts, &heapdiff_options, argc, (const char *const *)argv);
    while (!line->is_done && (id = opts_next(&opts)) != OPTS_END) {
        if (id == OPTS_ERROR) {
            snprintf(error->text, sizeof error->text, "%s", opts.error);
            return false;
        }
        if (id == OPTS_OPERAND)
            line->paths[line->request.path_count++] = opts.value;
        else if (!take_option(line, id, opts.value, error))
            return false;
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

static bool needs_output(const struct request *request, const char *command, struct heapprofile_error *error) {
    if (request->output)
        return true;
    snprintf(error->text, sizeof error->text, "'%s' needs -o FILE", command);
    return false;
}

static bool dispatch(struct request *request, struct heapprofile_error *error) {
    const char *first = request->path_count ? request->paths[0] : "";
    bool is_merge = strcmp(first, "merge") == 0, is_symbolize = strcmp(first, "symbolize") == 0;
    if (is_merge || is_symbolize) {
        request->paths++;
        request->path_count--;
        if (!request->path_count || (is_symbolize && request->path_count > 1)) {
            snprintf(error->text, sizeof error->text, "'%s' needs %s; see 'heapdiff --help'", first,
                     is_merge ? "at least one profile" : "one profile");
            return false;
        }
        return needs_output(request, first, error) &&
               (is_merge ? command_merge(request, error) : command_symbolize(request, error));
    }
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
        ok = add_binary_path(&line, room, &binary_path) && dispatch(&line.request, &error);
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
