/* heaptap.h: what a program that links against heaptap, or may find it preloaded, can ask of it.
 *
 * All functions are thread safe and may be called at any time after main began; none may be called from a signal
 * handler. Declare HEAPTAP_WEAK before the include to make the functions weak references: a program can then test
 * `if (heaptap_version)` and runs with or without the library. Sizes are bytes. Errors are negative errno
 * values; errno itself is not touched. */
#ifndef HEAPTAP_H
#define HEAPTAP_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifdef HEAPTAP_WEAK
#define HEAPTAP_API __attribute__((visibility("default"), weak))
#else
#define HEAPTAP_API __attribute__((visibility("default")))
#endif

/* Mean bytes between samples; 1 records every allocation, 0 none. */
HEAPTAP_API size_t heaptap_mem_profile_rate(void);
/* Takes effect at every thread's next allocation. Returns the previous rate. What was sampled before keeps the
 * weight of the rate at which it was drawn, so totals stay unbiased across changes. */
HEAPTAP_API size_t heaptap_set_mem_profile_rate(size_t bytes);

/* Which profile heaptap_write_profile writes. */
#define HEAPTAP_HEAP   0u /* all four sample types; pprof shows inuse_space first */
#define HEAPTAP_ALLOCS 1u /* the same samples; pprof shows alloc_space first */

/* Writes a gzip'd pprof profile to fd. 0, or -EINVAL for an unknown kind, or what write(2) said. */
HEAPTAP_API int heaptap_write_profile(int fd, unsigned kind);
/* Writes a profile to `path` by way of a temporary file in the same directory, fsync and rename, so `path` is always
 * whole. NULL: the next name of the pattern HEAPTAP_DUMP (-EINVAL where there is none). 0 or -errno. */
HEAPTAP_API int heaptap_dump(const char *path);

#define HEAPTAP_SIZE_CLASSES 96

/* The fields are Go's runtime.MemStats, in snake case. Fields that only a garbage collector has are not here. */
struct heaptap_memstats {
    uint64_t alloc;       /* bytes of live objects, by slot size; the same as heap_alloc */
    uint64_t total_alloc; /* bytes ever allocated, by slot size */
    uint64_t sys;         /* bytes of address space in use: the sum of the *_sys fields */
    uint64_t mallocs;     /* objects ever allocated */
    uint64_t frees;       /* objects ever freed */

    uint64_t heap_alloc;    /* = alloc */
    uint64_t heap_sys;      /* heap_inuse + heap_idle */
    uint64_t heap_idle;     /* in spans without objects, returned to the system or not */
    uint64_t heap_inuse;    /* in spans with at least one object */
    uint64_t heap_released; /* of heap_idle: returned to the system, or never touched */
    uint64_t heap_objects;  /* mallocs - frees */

    uint64_t mspan_inuse, mspan_sys;   /* span structures: in use, obtained from the system */
    uint64_t mcache_inuse, mcache_sys; /* per-thread caches */
    uint64_t buck_hash_sys;            /* the profiler's tables */
    uint64_t other_sys;                /* page bitmaps, page tables, summaries */

    uint32_t size_class_count;
    struct heaptap_memstats_class {
        uint32_t size; /* slot bytes */
        uint64_t mallocs;
        uint64_t frees;
    } by_size[HEAPTAP_SIZE_CLASSES];
};

HEAPTAP_API void heaptap_read_memstats(struct heaptap_memstats *out);

/* Returns idle pages to the system now; how many bytes that were. */
HEAPTAP_API size_t heaptap_free_os_memory(void);

/* The soft limit on what the allocator holds of the system's memory: heap and its metadata, less what was returned.
 * Nothing fails beyond it; idle memory is returned sooner. INT64_MAX is no limit. A negative value changes nothing.
 * Returns the previous limit. */
HEAPTAP_API int64_t heaptap_set_memory_limit(int64_t bytes);

/* Exact counts of the calling thread since it began: the difference around an operation is its allocations. */
struct heaptap_counters {
    uint64_t mallocs;
    uint64_t frees;       /* frees made by this thread, of its own objects and of others' */
    uint64_t alloc_bytes; /* by slot size */
    uint64_t free_bytes;
};

HEAPTAP_API void heaptap_thread_counters(struct heaptap_counters *out);

HEAPTAP_API const char *heaptap_version(void);

#ifdef __cplusplus
}
#endif

#endif
