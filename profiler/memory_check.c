/* The library gets a pipe whose ends are a number that is no descriptor. Its reads from there find nothing,
 * its writes to there tell whether the address can be read (profiler/probe.h), and every other call passes
 * through: the program may use the same library for itself.
 *
 * Locks: none. Allocation: none. May run inside malloc. */
#include "profiler/memory_check.h"

#include <errno.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include "profiler/import_table.h"
#include "profiler/probe.h"

enum { NO_DESCRIPTOR = -4711 };

static int pipe_without_descriptors(int ends[2], int flags) {
    (void)flags;
    ends[0] = ends[1] = NO_DESCRIPTOR;
    return 0;
}

static ssize_t read_nothing(int descriptor, void *buffer, size_t size) {
    if (descriptor != NO_DESCRIPTOR)
        return read(descriptor, buffer, size);
    errno = EAGAIN;
    return -1;
}

static ssize_t write_checks(int descriptor, const void *buffer, size_t size) {
    if (descriptor != NO_DESCRIPTOR)
        return write(descriptor, buffer, size);
    if (probe_can_read((uintptr_t)buffer))
        return (ssize_t)size;
    errno = EFAULT;
    return -1;
}

static long call_checks(long number, long a, long b, long c, long d, long e, long f) {
    if (number == SYS_write && (int)a == NO_DESCRIPTOR)
        return write_checks(NO_DESCRIPTOR, (const void *)(uintptr_t)b, (size_t)c);
    return syscall(number, a, b, c, d, e, f);
}

void memory_check_install(void *library) {
    import_table_replace(library, "read", (void *)(uintptr_t)read_nothing);
    import_table_replace(library, "write", (void *)(uintptr_t)write_checks);
    import_table_replace(library, "syscall", (void *)(uintptr_t)call_checks);
    import_table_replace(library, "pipe2", (void *)(uintptr_t)pipe_without_descriptors);
}
