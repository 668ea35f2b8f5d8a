/* The listening end of the control socket, and this thread's descriptors.
 *
 * A program counts on its descriptors: the lowest free number is what it gets next, and it may close numbers that it
 * did not open. So the thread that serves the socket leaves the program's table and has one of its own, which no other
 * thread, no forked child and no executed program sees. Where the kernel forbids that (some sandboxes do), the
 * socket has a high number in the program's table, and is known by its inode before each use. */
#ifndef HEAPTAP_PROFILER_CONTROL_SOCKET_H
#define HEAPTAP_PROFILER_CONTROL_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <time.h>

#include "base/options.h"

enum { CONTROL_PATH_MAX = 108 }; /* of a socket's address, with its end */

struct control_socket {
    char path[CONTROL_PATH_MAX]; /* absolute; "" = none */
    dev_t device;                /* of the file at `path`, as the next two: inodes are used again */
    ino_t inode;
    struct timespec born;
    int fd;
    ino_t socket; /* the inode of fd itself */
    uid_t owner;  /* who the process was when it made it */
};

/* The calling thread's descriptors become its own from here on: 0 to 2, and nothing else that it inherited. False where
 * that is not possible; then nothing has changed. */
bool control_socket_own_descriptors(void);
/* And these three become /dev/null: a reader of the program's output waits for the last copy to be closed. For a thread
 * with descriptors of its own. */
void control_socket_drop_standard(void);

/* Makes the socket at the place that the options say: mode 0600, in a folder that is made where it is missing. Takes
 * the place of one that nobody listens to. 0 or an errno: EADDRINUSE  another process listens there, or something else
 * is there; EPERM       the folder belongs to somebody else, or others may write to it. */
int control_socket_open(struct control_socket *out, const struct options *options);

/* Whether `fd` still is the socket. */
bool control_socket_is_open(const struct control_socket *socket);

/* Takes the next connection, non-blocking. -1 and errno: EAGAIN when there is none, EACCES when its user has no right
 * to talk to this process: its own user and root have. */
int control_socket_accept(const struct control_socket *socket);

/* Removes the file, if it still is the one that was made. */
void control_socket_remove(const struct control_socket *socket);

#endif
