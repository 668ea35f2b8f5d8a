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
#define HEAPTAP_PEAK   2u /* the samples as they were at the high-water mark of inuse_space, within 0.2% of it */
/* To be added to HEAPTAP_HEAP or HEAPTAP_ALLOCS: what is in use is told apart by how long it has lived. Its samples
 * have the numeric label "age", in seconds: the largest of 0, 1, 10, 60, 600, 3600 (an hour), 21600, 86400 (a day) and
 * 604800 that the object has reached. All columns sum up to what they are without it. */
#define HEAPTAP_AGES 0x100u

/* Writes a gzip'd pprof profile to fd. 0, or -EINVAL for an unknown kind, or what write(2) said. */
HEAPTAP_API int heaptap_write_profile(int fd, unsigned kind);
/* Writes a profile to `path` by way of a temporary file in the same directory, fsync and rename, so `path` is always
 * whole. NULL: the next name of the pattern HEAPTAP_DUMP (-EINVAL where there is none). 0 or -errno. */
HEAPTAP_API int heaptap_dump(const char *path);

#define HEAPTAP_SIZE_CLASSES 96

/* What the heap consists of. The first part is Go's runtime.MemStats in snake case, of which the fields that only a
 * collector or Go's stacks can have are 0 (EnableGC, DebugGC and the arrays of pauses are left out). The second says of
 * every byte of heap_inuse whose it is, so that RSS can be explained:
 *
 *   sys        = heap_sys + metadata
 *   heap_sys   = heap_inuse + heap_idle
 *   heap_inuse = heap_alloc + cached_free + central_free + span_tails
 *   RSS of the heap and its metadata <= sys - heap_released - untouched    (without transparent huge pages)
 *
 * Reading stops nobody. The numbers of pages are of one moment; each counter has a value that it had between the
 * beginning of the call and that moment, chosen so that these always hold, whatever other threads do:
 *
 *   the equations above;  mallocs, frees and total_alloc, in all and by class, never fall from one call to the next
 *   frees <= mallocs, in all and by class, and heap_objects = mallocs - frees
 *   heap_alloc <= heap_inuse;  heap_released <= heap_idle;  largest_free_run <= heap_idle
 *
 * What a call costs grows with the number of spans, for single_object_spans: some milliseconds for each GiB of them.
 *
 * The size and the places of the fields will not change: new ones take the place of reserved ones, which are 0. */
struct heaptap_memstats {
    uint64_t alloc;       /* bytes of live objects, by slot size; the same as heap_alloc */
    uint64_t total_alloc; /* bytes ever allocated, by slot size; heap_alloc less than that were freed */
    uint64_t sys;         /* bytes of address space in use: the sum of the *_sys fields */
    uint64_t lookups;     /* 0 */
    uint64_t mallocs;     /* objects ever allocated */
    uint64_t frees;       /* objects ever freed */

    uint64_t heap_alloc;    /* = alloc = total_alloc - what was freed */
    uint64_t heap_sys;      /* heap_inuse + heap_idle */
    uint64_t heap_idle;     /* in no span, returned to the system or not */
    uint64_t heap_inuse;    /* in spans; heap_inuse - heap_alloc bounds what fragmentation and caches hold */
    uint64_t heap_released; /* of heap_idle: returned to the system, or never touched; the rest could be returned */
    uint64_t heap_objects;  /* mallocs - frees */

    uint64_t stack_inuse, stack_sys;   /* 0 */
    uint64_t mspan_inuse, mspan_sys;   /* span structures: in use, obtained from the system */
    uint64_t mcache_inuse, mcache_sys; /* per-thread caches, and batches of objects on their way between threads */
    uint64_t buck_hash_sys;            /* the profiler's tables */
    uint64_t gc_sys;                   /* 0 */
    uint64_t other_sys;                /* page bitmaps, page tables, summaries */

    uint64_t next_gc, last_gc, pause_total_ns, num_gc, num_forced_gc; /* 0 */
    double gc_cpu_fraction;                                           /* 0 */

    uint64_t metadata;     /* sys - heap_sys */
    uint64_t cached_free;  /* free slots of spans that threads allocate from, and slots on their way back to them */
    uint64_t central_free; /* free slots of spans whose thread has ended, for the next thread that needs them */
    uint64_t span_tails;   /* ends of spans that are too short for a slot */
    uint64_t untouched; /* of heap_inuse: new pages of spans that have no slot in use yet and no memory behind them */
    /* The longest run of heap_idle: a larger object makes the heap grow. */
    uint64_t largest_free_run;
    uint64_t spans;
    /* Spans that one live object keeps from being idle; a sign of fragmentation. The one span of a class that another
     * thread is allocating from is not looked at, and an object that another thread freed and the owner of the span has
     * not met again counts as live here. */
    uint64_t single_object_spans;
    /* An estimate of what the program asked for where it got heap_alloc, by the part of the sampled objects: each
     * bucket of the profile (one stack, one slot size) counts with its live objects and the mean of all that it was
     * asked for. Each sample stands for about the profile rate in bytes, so with n of them live it is off by some
     * heap_alloc / (10 sqrt n). 0 where nothing sampled is live. */
    uint64_t heap_requested;
    uint64_t reserved[16];

    uint32_t size_class_count; /* of by_size; [0] is empty: what is in none of them are objects above the last size */
    uint32_t reserved_too;
    struct heaptap_memstats_class {
        uint32_t size; /* slot bytes */
        uint32_t reserved;
        uint64_t mallocs;
        uint64_t frees;
        uint64_t spans;
        uint64_t inuse; /* bytes of its spans */
        uint64_t single_object_spans;
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

/* Puts a label on the samples that the calling thread takes from now on, in the profile a pprof label: a value that the
 * key has already is replaced, NULL removes it. Labels are copied; samples taken before keep theirs. Each set of labels
 * that occurs is kept for the life of the process: a label's values should be few (tenants, kinds of work), not request
 * ids. 0; -EINVAL for an empty key, one of the profile's own ("bytes", "age", and "thread" with HEAPTAP_LABELS=thread),
 * or more than 16 labels or 1024 bytes of them in all; -ENOMEM when the profiler's tables are full. After an error the
 * labels are as before. */
HEAPTAP_API int heaptap_label_set(const char *key, const char *value);

/* Adds to a counter of the program's own work, such as "requests", which every profile carries in a comment: two
 * profiles can then be compared per unit of work. The counter begins at 0 when it is named first. At most 64 counters,
 * of names of up to 55 letters, digits and _.-; what is beyond is counted as dropped in the profile. */
HEAPTAP_API void heaptap_work_add(const char *counter, uint64_t n);

HEAPTAP_API const char *heaptap_version(void);

#ifdef __cplusplus
}
#endif

#endif
