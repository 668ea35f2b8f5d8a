/* Where the control sockets of processes may be. A process names its socket by HEAPTAP_CONTROL and XDG_RUNTIME_DIR as
 * they were when it began, which may differ from ours, and it may live in another mount name space. */
#ifndef HEAPTAP_CLI_CONTROL_PLACES_H
#define HEAPTAP_CLI_CONTROL_PLACES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { CONTROL_PLACE_MAX = 108 }; /* of a socket's address, with its end */

struct control_places {
    char (*paths)[CONTROL_PLACE_MAX]; /* of sockets that exist, each once */
    size_t count;
};

/* Of every process that this user may talk to, or (pid not 0) where that one's may be. Only what lies in a folder that
 * no stranger could have made. False without memory. */
bool control_places_find(struct control_places *places, pid_t pid);
void control_places_free(struct control_places *places);

/* What the process was given as HEAPTAP_CONTROL, as far as /proc tells; false where it was given nothing or is not to
 * be looked at. Programs that overwrite their environment lose it. */
bool control_places_setting(pid_t pid, const char *name, char *out, size_t size);

#endif
