/* 1. each option is put where the request has it; operands are collected by the side that they were given for
 * 2. what only makes sense together is checked: how many profiles a command needs, and that both sides have some
 *
 * Locks: none. Allocates with malloc, once. */
#include "cli/command_line.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/heapdiff_options.h"
#include "cli/help.h"

enum { DEFAULT_ROWS = 20, BINARY_DIRS = 64 };
enum { LIST_PLAIN, LIST_OLD, LIST_NEW, LISTS };

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
    case OPT_CACERT:
        return &request->fetch.ca_file;
    case OPT_PEEK:
    case OPT_EXPLAIN:
        request->report = id == OPT_PEEK ? REPORT_PEEK : REPORT_EXPLAIN;
        return &request->subject;
    case OPT_PROCESS:
        return &request->process;
    default:
        return NULL;
    }
}

/* What follows the colon of a choice such as "label:KEY". */
static const char *find_key(const char *value) {
    const char *colon = strchr(value, ':');
    return colon ? colon + 1 : NULL;
}

/* In the order of the choices of a trend's --format. */
static const enum form_id trend_forms[] = {FORM_TEXT, FORM_JSON, FORM_HTML};

static void take_choice(struct request *request, int id, const struct opts *opts) {
    int choice = (int)opts->choice;
    switch (id) {
    case OPT_BY:
        request->by = (enum heapprofile_by)choice;
        request->label = find_key(opts->value);
        break;
    case OPT_NORMALIZE:
        request->norm = (enum heapprofile_norm)(HEAPPROFILE_BY_TOTAL + choice);
        request->work = find_key(opts->value);
        break;
    case OPT_FORMAT:
        request->form = (enum form_id)choice;
        break;
    case OPT_TREND_FORMAT:
        request->form = trend_forms[choice];
        break;
    case OPT_BASE_MODE:
        request->is_subtraction = choice == 1;
        break;
    case OPT_NOISE:
        request->without_noise = choice == 1;
        break;
    default: /* OPT_COLOR */
        request->color = (enum term_color)choice;
    }
}

static bool take_confidence(struct request *request, const char *value, struct heapprofile_error *error) {
    char *end;
    request->confidence = strtod(value, &end);
    if (end > value && !*end && request->confidence >= 0.5 && request->confidence <= 0.9999)
        return true;
    snprintf(error->text, sizeof error->text,
             "bad value '%.60s' for '--confidence': a number between 0.5 and 0.9999 is needed", value);
    return false;
}

/* Options without a value. */
static void take_switch(struct command_line *line, const struct opts *opts) {
    struct request *request = &line->request;
    switch (opts->spec->id) {
    case OPT_FLAT:
    case OPT_CUM:
        request->by_cum = opts->spec->id == OPT_CUM;
        break;
    case OPT_OLD:
    case OPT_NEW:
        line->list = opts->spec->id == OPT_OLD ? LIST_OLD : LIST_NEW;
        break;
    case OPT_TREE:
        request->report = REPORT_TREE;
        break;
    case OPT_ALL_VIEWS:
        request->with_all_views = true;
        break;
    case OPT_ALIGN:
        request->is_aligned = true;
        break;
    case OPT_EXIT_CODE:
        request->fails_on_change = true;
        break;
    case OPT_KEEP_WARM_UP:
        request->keeps_warm_up = true;
        break;
    case OPT_NO_SYMBOLIZE:
        request->is_verbatim = true;
        break;
    case OPT_VERSION:
        puts("heapdiff " HEAPTAP_VERSION);
        line->is_done = true;
        break;
    case OPT_HELP:
        help_print(opts, stdout);
        line->is_done = true;
        break;
    default: /* the name of a view */
        request->sample_type = opts->spec->name;
    }
}

static bool take_option(struct command_line *line, const struct opts *opts, struct heapprofile_error *error) {
    struct request *request = &line->request;
    int id = opts->spec->id;
    if (find_text(request, id))
        *find_text(request, id) = opts->value;
    else if (opts->spec->kind == VALUE_CHOICE)
        take_choice(request, id, opts);
    else if (opts->spec->kind == VALUE_NONE)
        take_switch(line, opts);
    else if (id == OPT_ROWS)
        request->most_rows = opts->number;
    else if (id == OPT_TIMEOUT)
        request->fetch.timeout = opts->number;
    else if (id == OPT_LIMIT)
        request->limit = opts->number;
    else if (id == OPT_CONFIDENCE)
        return take_confidence(request, opts->value, error);
    else if (id == OPT_FAIL_ABOVE)
        return gate_parse(&line->gates[request->gate_count++], opts->value, error);
    else if (id == OPT_DEBUG_DIR)
        line->dirs[request->debug_dir_count++] = opts->value;
    return true;
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
            line->paths[line->list][line->path_counts[line->list]++] = opts.value;
        else if (!take_option(line, &opts, error))
            return false;
    }
    return true;
}

/* All profiles in one list, those of OLD first. */
static void join_paths(struct command_line *line) {
    struct request *request = &line->request;
    static const unsigned order[LISTS] = {LIST_OLD, LIST_NEW, LIST_PLAIN};
    for (int i = 0; i < LISTS; i++) {
        size_t count = line->path_counts[order[i]];
        memcpy(line->all_paths + request->path_count, line->paths[order[i]], count * sizeof *line->all_paths);
        request->path_count += count;
    }
    bool is_pair = line->list == LIST_PLAIN && request->path_count == 2;
    request->old_count = is_pair ? 1 : line->path_counts[LIST_OLD];
}

static bool check_command(const struct command_line *line, struct heapprofile_error *error) {
    const struct request *request = &line->request;
    bool is_trend = line->command == COMMAND_TREND, is_many = line->command == COMMAND_MERGE || is_trend;
    const char *name = heapdiff_options.commands[line->command].name;
    if (!request->path_count || (!is_many && request->path_count > 1))
        snprintf(error->text, sizeof error->text, "'%s' needs %s; see 'heapdiff --help'", name,
                 is_trend  ? "profiles, or a directory of them"
                 : is_many ? "at least one profile"
                           : "one profile");
    else if (!request->output && !is_trend)
        snprintf(error->text, sizeof error->text, "'%s' needs -o FILE", name);
    else
        return true;
    return false;
}

/* A first operand that is no file, and nearly a command: what is said of its options and operands would mislead. */
static bool check_first(const struct command_line *line, struct heapprofile_error *error) {
    const char *first = line->path_counts[LIST_PLAIN] ? line->paths[LIST_PLAIN][0] : "-";
    const char *near = strpbrk(first, "/.:-") ? NULL : opts_near_command(&heapdiff_options, first);
    char shown[80];
    if (!near || access(first, F_OK) == 0)
        return true;
    text_clean(shown, sizeof shown, first);
    snprintf(error->text, sizeof error->text, "no file and no command is named '%s' (did you mean '%s'?)", shown, near);
    return false;
}

static bool check_sides(const struct command_line *line, struct heapprofile_error *error) {
    const size_t *counts = line->path_counts;
    if (counts[LIST_OLD] && counts[LIST_NEW] && !counts[LIST_PLAIN])
        return true;
    if (line->list == LIST_PLAIN && (counts[LIST_PLAIN] == 1 || counts[LIST_PLAIN] == 2))
        return true;
    if (line->list == LIST_PLAIN)
        snprintf(error->text, sizeof error->text, "one or two profiles are needed, not %zu; see 'heapdiff --help'",
                 counts[LIST_PLAIN]);
    else
        snprintf(error->text, sizeof error->text,
                 counts[LIST_PLAIN] ? "a profile before '--old' or '--new' has no side"
                                    : "both '--old' and '--new' need a profile");
    return false;
}

/* A tree and its like are text, of one view. */
static bool check_report(const struct request *request, struct heapprofile_error *error) {
    static const char *const names[] = {[REPORT_TREE] = "tree", [REPORT_PEEK] = "peek", [REPORT_EXPLAIN] = "explain"};
    if (request->report == REPORT_ROWS || (request->form == FORM_TEXT && !request->with_all_views))
        return true;
    snprintf(error->text, sizeof error->text, "'--%s' cannot be used with '%s'", names[request->report],
             request->form == FORM_TEXT ? "--all-views" : "--format");
    return false;
}

/* Directories of PPROF_BINARY_PATH come after those of the command line; where it is not set, pprof's own default. */
static bool add_binary_path(struct command_line *line, size_t room) {
    const char *path = getenv("PPROF_BINARY_PATH"), *home = getenv("HOME");
    if (path && *path)
        line->binary_path = strdup(path);
    else if (asprintf(&line->binary_path, "%s/pprof/binaries", home ? home : "") < 0)
        line->binary_path = NULL;
    if (!line->binary_path)
        return false;
    char *rest = line->binary_path;
    for (char *dir; (dir = strsep(&rest, ":")) != NULL && line->request.debug_dir_count < room;)
        if (*dir)
            line->dirs[line->request.debug_dir_count++] = dir;
    return true;
}

static bool allocate(struct command_line *line, size_t room) {
    for (int i = 0; i < LISTS; i++)
        if (!(line->paths[i] = calloc(room, sizeof **line->paths)))
            return false;
    line->all_paths = calloc(room, sizeof *line->all_paths);
    line->dirs = calloc(room, sizeof *line->dirs);
    line->gates = calloc(room, sizeof *line->gates);
    line->request.paths = line->all_paths;
    line->request.debug_dirs = line->dirs;
    line->request.gates = line->gates;
    return line->all_paths && line->dirs && line->gates;
}

bool command_line_read(struct command_line *line, int argc, char **argv, struct heapprofile_error *error) {
    size_t room = (size_t)argc + BINARY_DIRS;
    *line = (struct command_line){.request = {.most_rows = DEFAULT_ROWS}};
    if (!allocate(line, room) || !parse(line, argc, argv, error))
        return false;
    if (line->is_done)
        return true;
    join_paths(line);
    if (line->request.output && strcmp(line->request.output, "-") == 0)
        line->request.output = NULL;
    bool is_show = line->command == COMMAND_SHOW;
    return (is_show ? check_first(line, error) && check_sides(line, error) && check_report(&line->request, error)
                    : check_command(line, error)) &&
           add_binary_path(line, room);
}

void command_line_free(struct command_line *line) {
    for (int i = 0; i < LISTS; i++)
        free(line->paths[i]);
    free(line->all_paths);
    free(line->dirs);
    free(line->gates);
    free(line->binary_path);
}
