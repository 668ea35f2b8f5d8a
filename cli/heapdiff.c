/* heapdiff: shows heap profiles and what changed between two of them.
 *
 *   1. cli/command_line turns the arguments into a struct request
 *   2. where no command is named, one operand is shown and two are compared
 *   3. cli/commands does it; whatever goes wrong comes back as one line, printed here and nowhere else
 *
 * Exit: 0 done, 1 a gate failed, 2 usage or input error, 141 when the reader of the output went away. */
#include <signal.h>
#include <stdio.h>

#include "cli/command_line.h"
#include "cli/heapdiff_options.h"
#include "cli/trend_command.h"

enum { EXIT_CLOSED_PIPE = 141 };

static int dispatch(const struct command_line *line, struct heapprofile_error *error) {
    const struct request *request = &line->request;
    switch (line->command) {
    case COMMAND_MERGE:
        return command_merge(request, error);
    case COMMAND_SYMBOLIZE:
        return command_symbolize(request, error);
    case COMMAND_TREND:
        return command_trend(request, error);
    default:
        return request->old_count ? command_diff(request, error) : command_show(request, error);
    }
}

/* --help and --version have been written; whether they have arrived is seen here. */
static int finish(struct heapprofile_error *error) {
    if (fflush(stdout) == 0)
        return COMMAND_OK;
    snprintf(error->text, sizeof error->text, "cannot write 'standard output'");
    return COMMAND_FAILED;
}

int main(int argc, char **argv) {
    static struct heapprofile_error error = {"out of memory"};
    struct command_line line;
    /* A write to a closed pipe must come back as an error, whatever disposition was inherited. */
    signal(SIGPIPE, SIG_IGN);
    int status = COMMAND_FAILED;
    if (command_line_read(&line, argc, argv, &error))
        status = line.is_done ? finish(&error) : dispatch(&line, &error);
    command_line_free(&line);
    if (status == COMMAND_FAILED && !*error.text)
        return EXIT_CLOSED_PIPE;
    if (status == COMMAND_FAILED)
        fprintf(stderr, "heapdiff: %s\n", error.text);
    return status;
}
