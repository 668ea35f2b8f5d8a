/* The system calls that only the control socket makes, by number. Each name that is imported from the C library costs
 * 80 bytes of the part of the library that every program loads (cmake/layout.ld), and these would be fifteen. As the C
 * library's functions: -1 and errno on failure. */
#ifndef HEAPTAP_PROFILER_CONTROL_CALLS_H
#define HEAPTAP_PROFILER_CONTROL_CALLS_H

#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { CALL_KERNEL_SIGSET_BYTES = 8 };

static inline int call_socket(int type) { return (int)syscall(SYS_socket, AF_UNIX, type | SOCK_CLOEXEC, 0); }

static inline int call_bind(int fd, const struct sockaddr_un *address) {
    return (int)syscall(SYS_bind, fd, address, sizeof *address);
}

static inline int call_connect(int fd, const struct sockaddr_un *address) {
    return (int)syscall(SYS_connect, fd, address, sizeof *address);
}

static inline int call_listen(int fd, int backlog) { return (int)syscall(SYS_listen, fd, backlog); }

static inline int call_accept(int fd, int flags) { return (int)syscall(SYS_accept4, fd, NULL, NULL, flags); }

static inline int call_peer(int fd, struct ucred *peer) {
    socklen_t size = sizeof *peer;
    return (int)syscall(SYS_getsockopt, fd, SOL_SOCKET, SO_PEERCRED, peer, &size);
}

static inline ssize_t call_receive(int fd, void *out, size_t size) {
    return syscall(SYS_recvfrom, fd, out, size, MSG_DONTWAIT, NULL, NULL);
}

static inline ssize_t call_send(int fd, const void *bytes, size_t size) {
    return syscall(SYS_sendto, fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT, NULL, 0);
}

/* NULL: for ever. */
static inline int call_poll(struct pollfd *polled, unsigned count, struct timespec *timeout) {
    return (int)syscall(SYS_ppoll, polled, count, timeout, NULL, CALL_KERNEL_SIGSET_BYTES);
}

static inline int call_mkdir(const char *path, mode_t mode) { return (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode); }

static inline int call_fchmod(int fd, mode_t mode) { return (int)syscall(SYS_fchmod, fd, mode); }

static inline int call_duplicate(int fd, int to) { return (int)syscall(SYS_dup3, fd, to, O_CLOEXEC); }

static inline int call_duplicate_above(int fd, int least) {
    return (int)syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, least);
}

static inline int call_unshare(int flags) { return (int)syscall(SYS_unshare, flags); }

static inline uid_t call_user(void) { return (uid_t)syscall(SYS_geteuid); }

#endif
