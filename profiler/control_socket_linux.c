/* control_socket_open:
 *   1. The path from the pattern; without one, or where its folder cannot be used, /tmp/heaptap-UID/PID.sock.
 *   2. Make the folder, mode 0700, if it is missing. Refuse one that is a symbolic link, that is not this user's or
 *      root's, or that others could rename things in. A folder made for us must be ours alone.
 *   3. A socket that is there already: if somebody answers, it is taken; else its process is gone, and it is removed.
 *   4. Bind and listen. The mode is set before the file exists: the kernel takes it from the descriptor.
 *
 * Nothing here is slower than the file system; a connection to a socket whose owner does not accept fails instead of
 * waiting.
 *
 * Locks: none. Allocation: none. */
#include "profiler/control_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "profiler/control_calls.h"
#include "profiler/dump_name.h"

enum { BACKLOG = 64, HIGH_DESCRIPTOR = 900, KEPT_DESCRIPTORS = 3 };

#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#define CLOSE_RANGE_UNSHARE_TABLE 2u

/* ---- descriptors ---- */

static int least_descriptor = HIGH_DESCRIPTOR; /* written by the one thread that serves */

/* Kernels from 5.9 on copy only what is kept. Older ones copy all, which is closed here one by one: the copies are
 * another table's, so no lock on a file is lost with them. */
static bool leave_table(void) {
    if (syscall(SYS_close_range, KEPT_DESCRIPTORS, ~0u, CLOSE_RANGE_UNSHARE_TABLE) == 0)
        return true;
    if (call_unshare(CLONE_FILES) != 0)
        return false;
    struct rlimit limit;
    rlim_t most = getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < 1 << 20 ? limit.rlim_cur : 1 << 20;
    for (int fd = KEPT_DESCRIPTORS; fd < (int)most; fd++)
        close(fd);
    return true;
}

bool control_socket_own_descriptors(void) {
    if (!leave_table())
        return false;
    least_descriptor = KEPT_DESCRIPTORS;
    return true;
}

/* Where there is no /dev/null a socket without an address stands in for it: what is written there fails. */
void control_socket_drop_standard(void) {
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0)
        null = call_socket(SOCK_DGRAM);
    for (int fd = 0; fd < KEPT_DESCRIPTORS; fd++) {
        if (null != fd)
            call_duplicate(null, fd);
    }
    if (null >= KEPT_DESCRIPTORS)
        close(null);
}

/* Out of the way of a program that shares the table, and of the three. */
static int raise_descriptor(int fd) {
    if (fd < 0 || fd >= least_descriptor)
        return fd;
    int raised = call_duplicate_above(fd, least_descriptor);
    if (raised < 0)
        return fd;
    close(fd);
    return raised;
}

/* ---- the place ---- */

/* Step 2. `is_ours`: the folder has our name, so nobody else has a reason to be in it. */
static int check_folder(const char *folder, bool is_ours) {
    struct stat status;
    if (call_mkdir(folder, 0700) != 0 && errno != EEXIST)
        return errno;
    if (lstat(folder, &status) != 0)
        return errno;
    if (!S_ISDIR(status.st_mode))
        return ENOTDIR;
    bool is_of_user = status.st_uid == call_user();
    if (is_ours)
        return is_of_user && !(status.st_mode & 077) ? 0 : EPERM;
    bool others_write = (status.st_mode & 022) && !(status.st_mode & S_ISVTX);
    return (is_of_user || status.st_uid == 0) && !others_write ? 0 : EPERM;
}

static void fill_address(struct sockaddr_un *address, const char *path) {
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    memcpy(address->sun_path, path, strlen(path));
}

/* Step 3. */
static int remove_stale(const char *path) {
    struct stat status;
    struct sockaddr_un address;
    if (lstat(path, &status) != 0)
        return errno == ENOENT ? 0 : errno;
    if (!S_ISSOCK(status.st_mode) || status.st_uid != call_user())
        return EADDRINUSE;
    int fd = call_socket(SOCK_STREAM | SOCK_NONBLOCK);
    if (fd < 0)
        return errno;
    fill_address(&address, path);
    int error = call_connect(fd, &address) == 0 ? 0 : errno;
    close(fd);
    if (error != ECONNREFUSED)
        return EADDRINUSE;
    return unlink(path) == 0 || errno == ENOENT ? 0 : errno;
}

/* Step 4. */
static int listen_at(struct control_socket *out, int fd) {
    struct sockaddr_un address;
    struct stat file, socket;
    fill_address(&address, out->path);
    if (call_fchmod(fd, 0600) != 0 || call_bind(fd, &address) != 0)
        return errno;
    if (call_listen(fd, BACKLOG) != 0 || lstat(out->path, &file) != 0 || fstat(fd, &socket) != 0) {
        int error = errno;
        unlink(out->path);
        return error;
    }
    out->device = file.st_dev;
    out->inode = file.st_ino;
    out->born = file.st_mtim;
    out->socket = socket.st_ino;
    out->owner = call_user();
    out->fd = fd;
    return 0;
}

static int open_at(struct control_socket *out, const char *pattern, bool is_ours) {
    char folder[CONTROL_PATH_MAX];
    if (!dump_name_expand_own(out->path, sizeof out->path, pattern, 0, "control"))
        return ENAMETOOLONG;
    memcpy(folder, out->path, sizeof folder);
    char *slash = strrchr(folder, '/');
    slash[slash == folder] = '\0';
    int error = check_folder(folder, is_ours);
    if (!error)
        error = remove_stale(out->path);
    if (error)
        return error;
    int fd = call_socket(SOCK_STREAM | SOCK_NONBLOCK);
    if (fd < 0)
        return errno;
    fd = raise_descriptor(fd);
    error = listen_at(out, fd);
    if (error)
        close(fd);
    return error;
}

int control_socket_open(struct control_socket *out, const struct options *options) {
    char pattern[64];
    int error = EINVAL;
    if (options->control_path[0])
        error = open_at(out, options->control_path, !options->control_asked);
    if (error && !options->control_asked) {
        log_format(pattern, sizeof pattern, "/tmp/heaptap-%u/%%p.sock", (unsigned)call_user());
        error = open_at(out, pattern, true);
    }
    if (error)
        out->path[0] = '\0';
    return error;
}

bool control_socket_is_open(const struct control_socket *socket) {
    struct stat status;
    return fstat(socket->fd, &status) == 0 && S_ISSOCK(status.st_mode) && status.st_ino == socket->socket;
}

int control_socket_accept(const struct control_socket *socket) {
    struct ucred peer;
    int fd = call_accept(socket->fd, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        return -1;
    if (call_peer(fd, &peer) != 0 || (peer.uid != 0 && peer.uid != call_user() && peer.uid != socket->owner)) {
        close(fd);
        errno = EACCES;
        return -1;
    }
    return raise_descriptor(fd);
}

void control_socket_remove(const struct control_socket *socket) {
    struct stat status;
    if (socket->path[0] && lstat(socket->path, &status) == 0 && status.st_dev == socket->device &&
        status.st_ino == socket->inode && status.st_mtim.tv_sec == socket->born.tv_sec &&
        status.st_mtim.tv_nsec == socket->born.tv_nsec)
        unlink(socket->path);
}
