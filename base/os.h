/* The one contract with the kernel about memory. A range of addresses is in one of four states:
 *
 *   None      nothing is known of it
 *   Reserved  the addresses are ours; touching them faults; costs nothing
 *   Prepared  may be made Ready at once; its pages have no memory behind them
 *   Ready     may be read and written; reads zero where it was never written since Prepared
 *
 * Every call names its transition. Ranges are multiples of os_page_size(). All calls keep errno, may
 * run inside malloc, take no lock. The counters say what the process asked of the kernel through here. */
#ifndef HEAPTAP_BASE_OS_H
#define HEAPTAP_BASE_OS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The kernel's page: 4, 16 or 64 KiB. Asked once. */
size_t os_page_size(void);

/* None -> Ready. NULL when the kernel refuses. Zero-filled. `size` is rounded up to a page. */
void *os_alloc(size_t size);
/* Ready -> Ready with more pages, the new ones zero: the contents stay, the address may change, and nothing is copied.
 * NULL when the kernel refuses; the range is then as it was. */
void *os_grow(void *p, size_t old_size, size_t new_size);
/* any -> None. */
void os_free(void *p, size_t size);
/* None -> Reserved, aligned to `align` (a power of two), near `hint` where that is free. NULL on refusal. */
void *os_reserve(void *hint, size_t size, size_t align);
/* Reserved -> Prepared. False when the kernel refuses (limits); the range is then still Reserved. */
bool os_map(void *p, size_t size);
/* Prepared -> Ready. Nothing to do on Linux but to say so; kept so that each transition has a place. */
void os_used(void *p, size_t size);
/* Ready -> Prepared: the contents are gone, the next read gives zero. False when the kernel refuses
 * (locked memory); the range is then still Ready with its contents. */
bool os_unused(void *p, size_t size);
/* Prepared or Ready -> Reserved: every access faults. For debugging. */
void os_fault(void *p, size_t size);

/* Bytes of memory of the machine, and of addresses that this process may have (UINT64_MAX without a limit). */
uint64_t os_physical_memory(void);
uint64_t os_address_limit(void);

/* Monotonic clock, and wall clock, in nanoseconds. */
int64_t os_now(void);
int64_t os_wall_time(void);
/* The monotonic clock as of the kernel's last tick, some milliseconds late: the cheapest there is. In nanoseconds, and
 * in whole seconds. */
int64_t os_coarse_now(void);
uint32_t os_seconds(void);
/* Processor time of this thread. */
int64_t os_thread_time(void);
/* The kernel's id of this thread. */
int os_thread_id(void);
/* Threads of this process; 0 where the kernel does not tell. */
unsigned os_thread_count(void);

#endif
