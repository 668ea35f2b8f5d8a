/* A thread gets its cache at its first malloc and gives it up in the destructor of a pthread key that is made at the
 * first malloc of the process. The cache then waits, counters and all, for another thread.
 *
 * TLS destructors of others may allocate after ours ran. They share one late cache under a lock: slow, but such a
 * thread is about to vanish, and nothing of it is lost or leaked whatever order the destructors run in.
 *
 * fork in a process of many threads, in the child:
 *   1. Every lock was taken by prepare, so what they guard is whole. They are reset.
 *   2. Caches of other threads were copied in the middle of whatever those threads did. They are marked LOST;
 *      their spans are seized one by one, when an object of theirs is freed (cache.c).
 *
 * Locks: late_cache, then thread; neither is held while a hook runs. May run inside malloc. */
#include "alloc/thread.h"

#include <pthread.h>

#include "alloc/fixalloc.h"
#include "alloc/guard.h"
#include "alloc/malloc.h"
#include "base/check.h"

_Thread_local struct cache *thread_cache = &cache_none;
_Thread_local struct cache *thread_fast_cache = &cache_none;
static _Thread_local bool thread_ended;
static _Thread_local struct cache_totals totals_at_start;

static struct fixalloc caches = FIXALLOC_INIT(sizeof(struct cache));

static struct {
    struct lock lock;            /* guards idle, key_made and the writing of all */
    _Atomic(struct cache *) all; /* linked by next_registered; only ever pushed to */
    struct cache *idle;          /* linked by next_idle */
    pthread_key_t key;
    bool key_made;
} registry = {.lock = LOCK_INIT(RANK_THREAD)};

/* For threads whose own cache is gone. */
static struct {
    struct lock lock; /* held from thread_enter to thread_leave_shared */
    struct cache *cache;
} late = {.lock = LOCK_INIT(RANK_LATE_CACHE)};

/* Behind what every start writes to: cmake/layout.ld. */
__attribute__((section(".bss.uncached_frees"))) static _Atomic uint64_t uncached_frees[SIZE_CLASS_COUNT];
static _Atomic uint64_t uncached_large_bytes;

static void end_thread(void *cache_pointer) {
    struct cache *cache = cache_pointer;
    thread_ended = true;
    thread_cache = thread_fast_cache = &cache_none;
    totals_at_start = (struct cache_totals){0}; /* as cache_none has counted nothing */
    guard_enter();
    cache_drain_remote(cache);
    cache_give_up_spans(cache);
    cache_send_pending(cache); /* after the drain, which may add to it */
    atomic_store_seq_cst(&cache->state, CACHE_IDLE);
    atomic_fence_seq_cst();
    cache_reap(cache);
    guard_leave();
    lock_acquire(&registry.lock);
    cache->next_idle = registry.idle;
    registry.idle = cache;
    lock_release(&registry.lock);
}

static struct cache *idle_cache_locked(void) {
    lock_assert_held(&registry.lock);
    struct cache *cache = registry.idle;
    if (cache)
        registry.idle = cache->next_idle;
    return cache;
}

/* A cache of the registry, new or used before, ready for a thread. */
static struct cache *obtain_cache(void) {
    lock_acquire(&registry.lock);
    if (!registry.key_made)
        registry.key_made = pthread_key_create(&registry.key, end_thread) == 0;
    struct cache *cache = idle_cache_locked();
    lock_release(&registry.lock);
    if (cache) {
        cache_init(cache);
        atomic_store_seq_cst(&cache->state, CACHE_ATTACHED);
        return cache;
    }
    cache = fixalloc_alloc(&caches);
    if (!cache)
        return NULL;
    cache_init(cache);
    atomic_store_relaxed(&cache->state, CACHE_ATTACHED);
    lock_acquire(&registry.lock);
    cache->next_registered = atomic_load_relaxed(&registry.all);
    atomic_store_release(&registry.all, cache);
    lock_release(&registry.lock);
    return cache;
}

struct cache *thread_enter(bool *shared) {
    *shared = false;
    if (thread_cache != &cache_none)
        return thread_cache;
    if (UNLIKELY(thread_ended)) {
        *shared = true;
        lock_acquire(&late.lock);
        if (!late.cache)
            late.cache = obtain_cache();
        if (!late.cache)
            lock_release(&late.lock);
        return late.cache;
    }
    struct cache *cache = obtain_cache();
    if (!cache)
        return NULL;
    totals_at_start = cache_read_totals(cache); /* not zero where another thread had it before */
    /* From here on malloc works, and pthread_setspecific may call it. */
    thread_cache = cache;
    if (!guard_on)
        thread_fast_cache = cache;
    if (registry.key_made)
        pthread_setspecific(registry.key, cache);
    return cache;
}

void thread_leave_shared(void) { lock_release(&late.lock); }

void thread_close_fast_path(void) { thread_fast_cache = &cache_none; }

void thread_count_free(unsigned size_class, size_t slot_size) {
    atomic_add_relaxed(&uncached_frees[size_class], 1);
    if (size_class == 0)
        atomic_add_relaxed(&uncached_large_bytes, slot_size);
}

uint64_t thread_uncached_frees(unsigned size_class, uint64_t *large_bytes) {
    *large_bytes = atomic_load_relaxed(&uncached_large_bytes);
    return atomic_load_relaxed(&uncached_frees[size_class]);
}

void thread_each_cache(void (*visit)(struct cache *cache, void *context), void *context) {
    for (struct cache *c = atomic_load_acquire(&registry.all); c; c = c->next_registered)
        visit(c, context);
}

struct cache_totals thread_totals_at_start(void) {
    return totals_at_start;
}

void thread_memory(uint64_t *inuse, uint64_t *sys) {
    uint64_t batches_inuse, batches_sys;
    remote_memory(&batches_inuse, &batches_sys);
    *inuse = atomic_load_relaxed(&caches.inuse_bytes) + batches_inuse;
    *sys = atomic_load_relaxed(&caches.sys_bytes) + batches_sys;
}

/* Every lock of the allocator, outer to inner. */
static void each_lock(void (*visit)(struct lock *)) {
    visit(&late.lock);
    visit(&registry.lock);
    central_locks_each(visit);
    visit(page_heap_lock());
    guard_locks_each(visit);
    visit(&caches.lock);
    visit(remote_lock());
    span_locks_each(visit);
}

void heap_fork_prepare(void) {
    each_lock(lock_acquire_for_fork);
    lock_fork_begin();
}

void heap_fork_parent(void) {
    lock_fork_end();
    each_lock(lock_release);
}

static void mark_lost(struct cache *cache, void *self) {
    if (cache == self || cache == late.cache || atomic_load_relaxed(&cache->state) != CACHE_ATTACHED)
        return;
    atomic_store_relaxed(&cache->remote.head, NULL);
    atomic_store_relaxed(&cache->remote.batches, NULL);
    atomic_store_relaxed(&cache->version, atomic_load_relaxed(&cache->version) & ~1u);
    atomic_store_relaxed(&cache->state, CACHE_LOST);
}

void heap_fork_child(void) {
    lock_fork_end();
    each_lock(lock_reset_after_fork);
    thread_each_cache(mark_lost, thread_cache);
}
