/* heapdiff's command line as a request. */
#ifndef HEAPTAP_CLI_COMMAND_LINE_H
#define HEAPTAP_CLI_COMMAND_LINE_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/commands.h"
#include "cli/gate.h"

struct command_line {
    struct request request; /* its lists are the command line's */
    int command;            /* index in heapdiff_options.commands */
    bool is_done;           /* --help or --version was served */

    /* The lists hold at most one entry an argument. */
    const char **paths[3]; /* plain operands, those behind --old, those behind --new */
    size_t path_counts[3];
    unsigned list; /* that the next operand goes to */
    const char **all_paths, **dirs;
    struct gate *gates;
    char *binary_path;
};

/* Reads all arguments and what the environment adds. False and one line; the caller has put "out of memory" there
 * beforehand. command_line_free is due in any case. */
bool command_line_read(struct command_line *line, int argc, char **argv, struct heapprofile_error *error);
void command_line_free(struct command_line *line);

#endif
