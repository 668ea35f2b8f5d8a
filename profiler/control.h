/* The control socket: other processes of the same user, or root, look at this one and steer it, by one line each.
 *
 *   dump          writes the next file of HEAPTAP_DUMP   ok PATH
 *   dump PATH     writes to that file (absolute)         ok PATH
 *   rate N        sets the mean bytes between samples    ok PREVIOUS NEW
 *   info          what the process is and does           ok NAME=VALUE ... program=TEXT
 *   ping                                                 ok heaptap VERSION
 *
 * An answer is one line too; `error TEXT` when something went wrong. A thread of the library's own does all of it. With
 * HEAPTAP_CONTROL set it starts with the program; else when the program has lived for a second and passes
 * a place where a thread may be started (alloc/later.h), so that no short program ever has it. */
#ifndef HEAPTAP_PROFILER_CONTROL_H
#define HEAPTAP_PROFILER_CONTROL_H

#include <stdbool.h>

#include "base/options.h"
#include "profiler/control_server.h"

/* Before main. `options` must stay valid. */
void control_start(const struct options *options);

/* The program ends: the socket's file goes. */
void control_stop(void);

/* The child has no thread and no socket; with `follow` it gets its own later. */
void control_fork_child(bool follow);

/* Answers one line; it is changed. */
void control_answer_line(char *line, char answer[CONTROL_ANSWER_MAX]);

#endif
