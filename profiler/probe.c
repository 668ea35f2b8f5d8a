/* A rt_sigprocmask whose `how` makes no sense: the kernel copies the mask from the address first (EFAULT
 * where it cannot) and refuses then (EINVAL). No filter of system calls forbids it, it needs no descriptor,
 * nothing changes.
 *
 * Locks: none. Allocation: none. */
#include "profiler/probe.h"

#include <errno.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/bits.h"

enum { SMALLEST_PAGE = 4096, KERNEL_SIGSET_BYTES = 8 };

bool probe_can_read(uintptr_t address) {
    uintptr_t page = align_down(address, SMALLEST_PAGE);
    if (page == 0)
        return false; /* to the call that means no mask */
    return syscall(SYS_rt_sigprocmask, ~0, page, NULL, KERNEL_SIGSET_BYTES) == 0 || errno != EFAULT;
}
