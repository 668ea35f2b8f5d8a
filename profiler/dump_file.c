/* Steps of dump_file_write:
 *   1. refuse a symbolic link, a directory, a device at the target: rename would replace it;
 *   2. create the temporary file: a name with 64 random bits, O_EXCL and O_NOFOLLOW, mode 0600;
 *   3. fill it, fsync it, rename it over the target; on any failure unlink it.
 * A limit on file sizes cannot end the program meanwhile (profiler/quiet.h).
 *
 * Locks: none. Allocation: none. */
#include "profiler/dump_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/rand.h"
#include "profiler/quiet.h"

struct sink {
    int fd;
    uint64_t size;
};

static int write_all(void *context, const void *bytes, size_t size) {
    struct sink *sink = context;
    const char *next = bytes;
    while (size) {
        ssize_t n = write(sink->fd, next, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? errno : EIO;
        next += n;
        size -= (size_t)n;
        sink->size += (uint64_t)n;
    }
    return 0;
}

int dump_file_write_fd(int fd, dump_fill fill, void *argument, uint64_t *size) {
    struct sink sink = {.fd = fd};
    struct quiet quiet;
    quiet_begin(&quiet);
    int error = fill(write_all, &sink, argument);
    quiet_end(&quiet);
    *size = sink.size;
    return error;
}

static int check_target(const char *path) {
    struct stat status;
    if (lstat(path, &status) != 0)
        return errno == ENOENT ? 0 : errno;
    if (S_ISLNK(status.st_mode))
        return ELOOP;
    return S_ISREG(status.st_mode) ? 0 : EEXIST;
}

static int create_temporary(const char *path, char *name, size_t size) {
    const char *slash = strrchr(path, '/');
    int directory_length = slash ? (int)(slash - path) + 1 : 0;
    if ((size_t)directory_length + 64 > size)
        return -ENAMETOOLONG;
    memcpy(name, path, (size_t)directory_length);
    log_format(name + directory_length, size - (size_t)directory_length, ".heaptap-%lx.tmp", rand_entropy());
    int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    return fd < 0 ? -errno : fd;
}

static int finish(int fd, const char *temporary, const char *path, struct dump_file *written) {
    struct stat status;
    if (fsync(fd) != 0 && errno != EINVAL && errno != EROFS)
        return errno;
    if (fstat(fd, &status) != 0 || rename(temporary, path) != 0)
        return errno;
    *written = (struct dump_file){(uint64_t)status.st_size, status.st_dev, status.st_ino};
    return 0;
}

int dump_file_write(const char *path, dump_fill fill, void *argument, struct dump_file *written) {
    char temporary[PATH_MAX];
    uint64_t size;
    int error = check_target(path);
    if (error)
        return error;
    int fd = create_temporary(path, temporary, sizeof temporary);
    if (fd < 0)
        return -fd;
    error = dump_file_write_fd(fd, fill, argument, &size);
    if (!error)
        error = finish(fd, temporary, path, written);
    close(fd);
    if (error)
        unlink(temporary);
    return error;
}

void dump_file_remove(const char *path, const struct dump_file *written) {
    struct stat status;
    if (lstat(path, &status) == 0 && status.st_dev == written->device && status.st_ino == written->inode)
        unlink(path);
}

const char *dump_file_error_text(int error) {
    static const struct {
        int error;
        const char *text;
    } texts[] = {
        {ENOENT, "No such file or directory"},
        {ENOSPC, "No space left on device"},
        {EACCES, "Permission denied"},
        {EPERM, "Operation not permitted"},
        {EROFS, "Read-only file system"},
        {ENOTDIR, "Not a directory"},
        {EISDIR, "Is a directory"},
        {ELOOP, "it is a symbolic link"},
        {EEXIST, "it exists and is not a regular file"},
        {EDQUOT, "Disk quota exceeded"},
        {EFBIG, "File too large"},
        {EMFILE, "Too many open files"},
        {ENFILE, "Too many open files in system"},
        {ENAMETOOLONG, "File name too long"},
        {EIO, "Input/output error"},
        {EPIPE, "Broken pipe"},
        {EBADF, "Bad file descriptor"},
        {ENOMEM, "Cannot allocate memory"},
        {EINVAL, "Invalid argument"},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (texts[i].error == error)
            return texts[i].text;
    }
    return "unexpected error";
}
