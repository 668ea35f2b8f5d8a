/* Birth, death and forking of threads, as far as their caches go. */
#ifndef HEAPTAP_ALLOC_THREAD_H
#define HEAPTAP_ALLOC_THREAD_H

#include <stdbool.h>

#include "alloc/cache.h"

/* This thread's cache; cache_none before its first malloc and after its end, and cache_none is never written. */
extern HIDDEN _Thread_local struct cache *thread_cache;
/* The same for the fast paths alone: cache_none for good where guard.h wants every call to take the slow path, since
 * with it no slot has a span and no span's owner is this thread. */
extern HIDDEN _Thread_local struct cache *thread_fast_cache;

/* Whether this thread may do what only the owner of a span may. */
static inline bool thread_owns(const struct span *span) {
    return (atomic_load_relaxed(&span->owner) & ~SPAN_SAMPLED) == (uintptr_t)thread_cache;
}

/* The cache to allocate from when thread_cache is cache_none. A thread that has not ended gets one of its own. One
 * whose cache was given up already (it allocates from a TLS destructor that runs after ours) shares a cache
 * with others like it: *shared is set, and thread_leave_shared must follow. NULL without memory. */
struct cache *thread_enter(bool *shared);
void thread_leave_shared(void);

/* The calling thread takes slow paths from now on, as every thread does that gets its cache while guard_on. */
void thread_close_fast_path(void);

/* Counts a free by a thread that has no cache. */
void thread_count_free(unsigned size_class, size_t slot_size);
/* Frees so counted, of one class; class 0 with bytes. */
uint64_t thread_uncached_frees(unsigned size_class, uint64_t *large_bytes);

/* Calls visit for every cache that ever was; they are never unmapped, so the walk needs no lock. */
void thread_each_cache(void (*visit)(struct cache *cache, void *context), void *context);

/* What this thread's cache had counted when the thread took it over: subtract it for the thread's own counts. */
struct cache_totals thread_totals_at_start(void);

void thread_memory(uint64_t *inuse, uint64_t *sys);

/* alloc/malloc.h says how these are used. */
void heap_fork_prepare(void);
void heap_fork_parent(void);
void heap_fork_child(void);

#endif
