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
 * Any thread; may run inside malloc. A sample that is counted on another thread at the very moment may be on either
 * side of the mark. */
#ifndef HEAPTAP_PROFILER_PEAK_H
#define HEAPTAP_PROFILER_PEAK_H

#include <stdbool.h>
#include <stdint.h>

#include "profiler/table_memory.h"

struct peak_kept {
    _Atomic uint64_t allocs, frees;
};

struct peak {
    _Alignas(64) _Atomic uint64_t inuse; /* bytes; every sample and every free of one adds or takes */
    _Atomic uint64_t high;               /* the mark that was set last */
    _Atomic uint32_t epoch;              /* its number, from 0 */
    struct table_area kept;              /* struct peak_kept, as many as there are buckets; under the buckets' lock */
};

#define PEAK_INIT                                                                                                      \
    { .kept.share = 16 }

enum { PEAK_STEP = 512 };

/* Before a free is counted. */
void peak_before_free(struct peak *peak);

/* Makes now the mark where now is the highest; the peak's bytes. Before the marks are read. */
uint64_t peak_settle(struct peak *peak);

#endif
