/* `heaptap ps`, `heaptap dump` and `heaptap rate`. */
#ifndef HEAPTAP_CLI_CONTROL_COMMANDS_H
#define HEAPTAP_CLI_CONTROL_COMMANDS_H

#include "cli/opts.h"

/* Exit status: 0, or 2 with one line on stderr. */
int control_command_ps(struct opts *opts);
int control_command_dump(struct opts *opts);
int control_command_rate(struct opts *opts);

#endif
