/* A process_vm_readv of this process would be the plain way, but sandboxes forbid it. So: a rt_sigprocmask whose `how`
 * makes no sense: the kernel copies the mask from the address first (EFAULT where it cannot) and refuses then (EINVAL).
 * No filter of system calls forbids it, it needs no descriptor, nothing changes. Valgrind, however, makes neither test
 * and complains; under it the plain way is taken.
 *
 * Locks: none. Allocation: none. */
#include "profiler/probe.h"

#include <errno.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/check.h"
#include "base/memcheck.h"

static bool can_read_under_valgrind(uintptr_t address) {
    char byte = 0;
    struct iovec here = {&byte, 1}, there = {(void *)address, 1};
    return process_vm_readv(getpid(), &here, 1, &there, 1, 0) == 1;
}

enum { SMALLEST_PAGE = 4096, KERNEL_SIGSET_BYTES = 8 };

bool probe_can_read(uintptr_t address) {
    uintptr_t page = align_down(address, SMALLEST_PAGE);
    if (page == 0)
        return false; /* to the call that means no mask */
    if (UNLIKELY(memcheck_is_running()))
        return can_read_under_valgrind(address);
    return syscall(SYS_rt_sigprocmask, ~0, page, NULL, KERNEL_SIGSET_BYTES) == 0 || errno != EFAULT;
}
