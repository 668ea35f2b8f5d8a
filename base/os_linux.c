/* Memory from Linux. Reserved is PROT_NONE, which the kernel does not charge; Prepared and Ready are both readable and
 * writable private anonymous memory: Linux backs a page at its first touch, so Ready costs no call. MAP_NORESERVE is
 * not used: with it the kernel would grant a terabyte on any machine, where malloc is expected to say NULL.
 *
 * Locks: none. Allocation: none. May run inside malloc. errno is kept by every call, because free()
 * must keep it and reaches the kernel through here. */
#include "base/os.h"

#include <errno.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/bits.h"
#include "base/check.h"

size_t os_page_size(void) {
    static _Atomic size_t cached;
    size_t size = atomic_load_relaxed(&cached);
    if (UNLIKELY(!size)) {
        size = getauxval(AT_PAGESZ);
        atomic_store_relaxed(&cached, size);
    }
    return size;
}

static void *map_pages(void *hint, size_t size, int protection, int flags) {
    int saved_errno = errno;
    void *p = mmap(hint, size, protection, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
    errno = saved_errno;
    return p == MAP_FAILED ? NULL : p;
}

/* May fail where it would split a mapping and the process has as many as it may have: the range then stays mapped,
 * unused and without memory, which harms nobody. */
static void unmap_pages(void *p, size_t size) {
    int saved_errno = errno;
    if (size && munmap(p, size) != 0)
        madvise(p, size, MADV_DONTNEED);
    errno = saved_errno;
}

void *os_alloc(size_t size) { return map_pages(NULL, align_up(size, os_page_size()), PROT_READ | PROT_WRITE, 0); }

void *os_grow(void *p, size_t old_size, size_t new_size) {
    int saved_errno = errno;
    size_t page = os_page_size();
    void *moved = mremap(p, align_up(old_size, page), align_up(new_size, page), MREMAP_MAYMOVE);
    errno = saved_errno;
    return moved == MAP_FAILED ? NULL : moved;
}

void os_free(void *p, size_t size) { unmap_pages(p, align_up(size, os_page_size())); }

void *os_reserve(void *hint, size_t size, size_t align) {
    char *p = map_pages(hint, size, PROT_NONE, 0);
    if (!p || align_down((uintptr_t)p, align) == (uintptr_t)p)
        return p;
    /* Not aligned: take more than is needed and give back both ends. */
    unmap_pages(p, size);
    p = map_pages(NULL, size + align, PROT_NONE, 0);
    if (!p)
        return NULL;
    char *aligned = (char *)align_up((uintptr_t)p, align);
    unmap_pages(p, (size_t)(aligned - p));
    unmap_pages(aligned + size, align - (size_t)(aligned - p));
    return aligned;
}

bool os_map(void *p, size_t size) {
    int saved_errno = errno;
    bool ok = mprotect(p, size, PROT_READ | PROT_WRITE) == 0;
    errno = saved_errno;
    return ok;
}

void os_used(void *p, size_t size) {
    (void)p;
    (void)size;
}

bool os_unused(void *p, size_t size) {
    int saved_errno = errno;
    bool ok = madvise(p, size, MADV_DONTNEED) == 0;
    errno = saved_errno;
    return ok;
}

void os_fault(void *p, size_t size) {
    int saved_errno = errno;
    CHECK(mmap(p, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p);
    errno = saved_errno;
}

uint64_t os_physical_memory(void) {
    struct sysinfo info;
    int saved_errno = errno;
    uint64_t bytes = sysinfo(&info) == 0 ? (uint64_t)info.totalram * info.mem_unit : 0;
    errno = saved_errno;
    return bytes;
}

uint64_t os_address_limit(void) {
    struct rlimit limit;
    int saved_errno = errno;
    bool known = getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
    errno = saved_errno;
    return known ? limit.rlim_cur : UINT64_MAX;
}

static int64_t clock_nanoseconds(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t os_now(void) { return clock_nanoseconds(CLOCK_MONOTONIC); }
int64_t os_wall_time(void) { return clock_nanoseconds(CLOCK_REALTIME); }
int64_t os_coarse_now(void) { return clock_nanoseconds(CLOCK_MONOTONIC_COARSE); }
uint32_t os_seconds(void) { return (uint32_t)(os_coarse_now() / 1000000000); }
int64_t os_thread_time(void) { return clock_nanoseconds(CLOCK_THREAD_CPUTIME_ID); }
int os_thread_id(void) { return (int)syscall(SYS_gettid); }

/* A folder's links are itself, its entry above, and one from each folder in it. */
unsigned os_thread_count(void) {
    struct stat tasks;
    int saved_errno = errno;
    bool known = stat("/proc/self/task", &tasks) == 0 && tasks.st_nlink > 2;
    errno = saved_errno;
    return known ? (unsigned)tasks.st_nlink - 2 : 0;
}
