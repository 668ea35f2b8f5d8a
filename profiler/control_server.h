/* One line in, one answer out, for several clients at once on one thread. */
#ifndef HEAPTAP_PROFILER_CONTROL_SERVER_H
#define HEAPTAP_PROFILER_CONTROL_SERVER_H

#include <stddef.h>

#include "profiler/control_socket.h"

enum { CONTROL_LINE_MAX = 4200, CONTROL_ANSWER_MAX = 4400 }; /* a word and a path */

/* Answers a line, which has no end of line and no NUL inside. Writes a string that ends with a newline. */
typedef void (*control_answer)(char *line, char answer[CONTROL_ANSWER_MAX]);

/* Serves until the socket is not ours any more (a program that closes all descriptors, where they are shared). */
void control_server_run(const struct control_socket *socket, control_answer answer);

#endif
