/* Touching a page of a mapped file for which the disk has no room is SIGBUS, so every page is backed before it is
 * touched. No descriptor is kept for that: a program may close all it finds, and open its own under the number.
 *
 *   1. MADV_POPULATE_WRITE (Linux 5.14) makes the kernel fault the pages in as a store would, space on the disk
 *      included, and say what went wrong instead of raising a signal.
 *   2. An older kernel does not know it: the file is opened again by its path, which must still lead to it, and
 *      fallocate keeps the space.
 *
 * A file system that copies what is written anew needs room at each write of a page, however often it was written
 * before: such ones are refused.
 *
 * Calls that nobody else in the library makes go through syscall(): each function that is imported takes some of what
 * every program touches (cmake/layout.ld).
 *
 * Locks: none. Allocation: none. errno is kept where it may run inside malloc. */
#include "profiler/box_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "profiler/quiet.h"

enum { ADVICE_POPULATE_WRITE = 23 };

static bool copies_on_write(int fd) {
    static const uint32_t magics[] = {0x9123683e /* btrfs */, 0x2fc12fc1 /* zfs */, 0xca451a4e /* bcachefs */,
                                      0x3434 /* nilfs */};
    struct statfs status;
    if (syscall(SYS_fstatfs, fd, &status) != 0)
        return true;
    for (size_t i = 0; i < sizeof magics / sizeof *magics; i++) {
        if ((uint32_t)status.f_type == magics[i])
            return true;
    }
    return false;
}

static int keep_space(int fd, off_t offset, size_t size) {
    long result;
    do
        result = syscall(SYS_fallocate, fd, 0, offset, (off_t)size);
    while (result != 0 && errno == EINTR);
    return result == 0 ? 0 : errno;
}

/* An open, empty file becomes the mapping; 0 or an errno. */
static int shape(int fd, struct box_file *file, size_t size, const struct box_range *ranges, size_t count, char *at,
                 char **mapping) {
    struct stat status;
    if (copies_on_write(fd))
        return EOPNOTSUPP;
    if (fstat(fd, &status) != 0 || syscall(SYS_ftruncate, fd, (off_t)size) != 0)
        return errno;
    for (size_t i = 0; i < count; i++) {
        int error = keep_space(fd, (off_t)ranges[i].offset, ranges[i].size);
        if (error)
            return error == ENOSYS ? EOPNOTSUPP : error;
    }
    char *p = mmap(at, size, PROT_READ | PROT_WRITE, MAP_SHARED | (at ? MAP_FIXED : 0), fd, 0);
    if (p == MAP_FAILED)
        return errno;
    file->device = status.st_dev;
    file->inode = status.st_ino;
    *mapping = p;
    return 0;
}

int box_file_create(struct box_file *file, const char *path, size_t size, const struct box_range *ranges, size_t count,
                    char *at, char **mapping) {
    struct quiet quiet;
    if (strlen(path) >= sizeof file->path)
        return ENAMETOOLONG;
    strcpy(file->path, path);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno;
    quiet_begin(&quiet); /* a limit on file sizes */
    int error = shape(fd, file, size, ranges, count, at, mapping);
    quiet_end(&quiet);
    close(fd);
    if (error)
        unlink(path);
    return error;
}

static bool is_same_file(const struct box_file *file, const struct stat *status) {
    return status->st_dev == file->device && status->st_ino == file->inode;
}

static bool back_by_path(const struct box_file *file, off_t offset, size_t size) {
    struct stat status;
    int fd = open(file->path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool ok = fstat(fd, &status) == 0 && is_same_file(file, &status) && keep_space(fd, offset, size) == 0;
    close(fd);
    return ok;
}

bool box_file_back(const struct box_file *file, char *mapping, char *p, size_t size) {
    int saved_errno = errno, result;
    do
        result = madvise(p, size, ADVICE_POPULATE_WRITE);
    while (result != 0 && (errno == EINTR || errno == EAGAIN));
    bool ok = result == 0 || (errno == EINVAL && back_by_path(file, p - mapping, size));
    errno = saved_errno;
    return ok;
}

void box_file_remove(const struct box_file *file) {
    struct stat status;
    if (lstat(file->path, &status) == 0 && is_same_file(file, &status))
        unlink(file->path);
}
