/* Talks to the control sockets of processes that run under the library. */
#ifndef HEAPTAP_CLI_CONTROL_CLIENT_H
#define HEAPTAP_CLI_CONTROL_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "cli/control_places.h"

enum { CONTROL_TEXT_MAX = 4500 };

struct control_process {
    pid_t pid;                    /* of who listens, as the kernel tells */
    char path[CONTROL_PLACE_MAX]; /* "" = it has the library but no socket */
};

/* Every process that listens or has the library preloaded, by pid; `processes` is the caller's to free. Sockets whose
 * process is gone are removed. False without memory. */
bool control_client_list(struct control_process **processes, size_t *count);

/* The socket of one process. False and one line in `error`, without the program's name. */
bool control_client_find(pid_t pid, struct control_process *out, char error[CONTROL_TEXT_MAX]);

/* Sends a line (without its end) and reads the answer, which is what follows `ok`. False and one line in `error`: what
 * the process said, or why it said nothing. */
bool control_client_ask(const struct control_process *process, const char *line, int seconds,
                        char answer[CONTROL_TEXT_MAX], char error[CONTROL_TEXT_MAX]);

/* The value of NAME in an answer of the form `NAME=VALUE NAME=VALUE ...`; that of "program" goes to the end. "" where
 * there is none. */
void control_client_value(const char *answer, const char *name, char *out, size_t size);

#endif
