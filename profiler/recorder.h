/* What one thread needs to record quickly, where rates are so low that it records much: a memo of its stacks, buckets
 * of its own (struct bucket's owner), counts that it alone writes, and the buffers of a capture. A thread that records
 * at a higher rate only, or a few objects, has none: 7 KiB for each thread would be much for that. */
#ifndef HEAPTAP_PROFILER_RECORDER_H
#define HEAPTAP_PROFILER_RECORDER_H

#include <stdint.h>
#include <time.h>

#include "alloc/thread.h"
#include "base/check.h"
#include "base/owner_count.h"
#include "profiler/stack_memo.h"

enum { RECORDER_RATE_MOST = 4096, RECORDER_AFTER = 64, RECORDERS_MOST = 256, RECORDER_BUCKETS = 64 };

/* One thread writes, and when it has ended another. */
struct recorder {
    uint32_t number; /* from 1 */
    uint32_t second; /* os_seconds(), when `wall` was what time() gave */
    time_t wall;
    _Atomic int64_t inuse;              /* bytes that profiler/peak.h has not been told of yet; anybody reads */
    int64_t inuse_most;                 /* it is told when there are more, or less than minus so many */
    struct owner_count samples;         /* anybody reads */
    struct recorder *next;              /* all that there are; constant */
    uint32_t buckets[RECORDER_BUCKETS]; /* ids, by a hash of their keys; 0 = none */
    struct unwind_trace trace;
    struct stack_memo *memo;
    uintptr_t frames[]; /* recorder_set_depth; the memo follows, in pages of its own as far as that goes */
};

/* Call before the first is used. */
void recorder_set_depth(size_t depth);

/* Before rates at which threads have recorders. Outside malloc. */
void recorder_prepare(void);

/* This thread's; NULL where it has none: it did not ask for one yet, there is no memory, or it is ending. May run
 * inside malloc and free. */
static inline struct recorder *recorder_mine(void) {
    void *word = thread_cache->hook_word; /* or how often it was asked for */
    return LIKELY((uintptr_t)word > RECORDER_AFTER) ? word : NULL;
}
/* Asks for one, if it has none, and gets it when it has asked often enough. */
struct recorder *recorder_obtain(void);

/* What this thread's remembers of the tables: they are empty now. */
void recorder_forget(void);

/* All that there are. */
struct recorder *recorder_first(void);
/* Of their number, rounded up to a power of two, the logarithm. */
unsigned recorder_count_bits(void);

/* os_seconds(), or one less, at the price of a load: while the wall clock's second is the same, the other clock's
 * changes once at most. */
uint32_t recorder_seconds(struct recorder *recorder);

#endif
