/* Locks: none. Allocation: none. May run inside malloc. */
#include "profiler/peak.h"

#include "base/atomic.h"
#include "base/check.h"

/* One of the threads that see the same height raises the epoch; the values are of the moment before its change. */
static void set_mark(struct peak *peak, uint64_t high, uint64_t inuse) {
    if (atomic_cas_strong_acq_rel(&peak->high, &high, inuse))
        atomic_add_acq_rel(&peak->epoch, 1);
}

void peak_before_free(struct peak *peak) {
    uint64_t inuse = atomic_load_relaxed(&peak->inuse), high = atomic_load_relaxed(&peak->high);
    if (UNLIKELY(inuse > high + high / PEAK_STEP))
        set_mark(peak, high, inuse);
}

uint64_t peak_settle(struct peak *peak) {
    uint64_t inuse = atomic_load_relaxed(&peak->inuse), high = atomic_load_relaxed(&peak->high);
    if (inuse > high)
        set_mark(peak, high, inuse);
    return atomic_load_relaxed(&peak->high);
}
