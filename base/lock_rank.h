/* The one order of locks, outer to inner. A thread may take a lock only while every lock that it holds
 * has a smaller rank; debug builds check it at each acquisition (base/lock.c).
 *
 *   control -> dump -> profiler -> stack_table -> live -> blackbox -> late_cache -> thread
 *           -> scavenger -> central -> page_heap -> arena_map -> guard -> fixalloc -> log
 *
 * No allocator lock is held while a hook runs. System calls that need no lock are made after unlock. */
#ifndef HEAPTAP_BASE_LOCK_RANK_H
#define HEAPTAP_BASE_LOCK_RANK_H

enum lock_rank {
    RANK_CONTROL = 1,
    RANK_DUMP,
    RANK_PROFILER,
    RANK_STACK_TABLE,
    RANK_LIVE,
    RANK_BLACKBOX,
    RANK_LATE_CACHE,
    RANK_THREAD,
    RANK_SCAVENGER,
    RANK_CENTRAL,
    RANK_PAGE_HEAP,
    RANK_ARENA_MAP,
    RANK_GUARD,
    RANK_FIXALLOC,
    RANK_LOG,
    RANK_COUNT
};

#endif
