/* The high-water mark of the bytes in use, and what every bucket stood at then.
 *
 * The bytes in use are the sum of the weights of the samples that are alive: the estimate that inuse_space sums up to.
 * At rate 1 they are the program's live bytes exactly.
 *
 * Nothing is copied when a new mark is reached. The mark has a number, the epoch; whoever changes a bucket first keeps
 * what it stood at, unless that was done in this epoch (struct bucket's `kept`). So a bucket that was not changed since
 * the mark still has the values of then, and the others have kept theirs.
 *
 * A rising heap sets no marks: only a free looks whether it is about to leave a mark behind, and only one that is
 * higher than the last by a 512th: the peak that is kept is within 0.2% of the true one.
 *
 * A thread with a recorder adds up what it allocates and frees, and tells the sum when it is more than a 256th of all
 * bytes in use, divided by the threads that do so, and more than 4 KiB. It knows its own sum, so where it is alone
 * nothing is late; nor is it when the peak is read, which asks all of them.
 *
 * Any thread; may run inside malloc. A sample that is counted on another thread at the very moment may be on either
 * side of the mark. */
#ifndef HEAPTAP_PROFILER_PEAK_H
#define HEAPTAP_PROFILER_PEAK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/atomic.h"
#include "profiler/recorder.h"
#include "profiler/table_memory.h"

struct peak_kept {
    _Atomic uint64_t allocs, frees;
};

struct peak {
    _Alignas(64) _Atomic uint64_t inuse; /* bytes, but for what recorders have not told yet; may be below 0 meanwhile */
    _Atomic uint64_t high;               /* the mark that was set last */
    _Atomic uint32_t epoch;              /* its number, from 0 */
    struct table_area kept;              /* struct peak_kept, as many as there are buckets; under the buckets' lock */
};

#define PEAK_INIT                                                                                                      \
    { .kept.share = 16 }

enum { PEAK_STEP = 512 };

/* A sum of a recorder's that is too large to wait, or what a thread without one allocates or frees. */
void peak_tell(struct peak *peak, struct recorder *recorder, int64_t bytes);

/* A sample of so many bytes comes, or goes where they are below 0. */
static inline void peak_add(struct peak *peak, struct recorder *recorder, int64_t bytes) {
    if (recorder) {
        bytes += atomic_load_relaxed(&recorder->inuse);
        if (LIKELY(bytes <= recorder->inuse_most && bytes >= -recorder->inuse_most)) {
            atomic_store_relaxed(&recorder->inuse, bytes);
            return;
        }
    }
    peak_tell(peak, recorder, bytes);
}

static inline uint64_t peak_not_below_0(uint64_t inuse) { return (int64_t)inuse > 0 ? inuse : 0; }

/* Makes `inuse` the mark, where `high` still is. */
void peak_set_mark(struct peak *peak, uint64_t high, uint64_t inuse);

/* Before a free is counted. */
static inline void peak_before_free(struct peak *peak, const struct recorder *recorder) {
    uint64_t inuse = atomic_load_relaxed(&peak->inuse), high = atomic_load_relaxed(&peak->high);
    if (recorder)
        inuse += (uint64_t)atomic_load_relaxed(&recorder->inuse);
    inuse = peak_not_below_0(inuse);
    if (UNLIKELY(inuse > high + high / PEAK_STEP))
        peak_set_mark(peak, high, inuse);
}

/* Makes now the mark where now is the highest; the peak's bytes. Before the marks are read. */
uint64_t peak_settle(struct peak *peak);

#endif
