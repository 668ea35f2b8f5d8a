/* Locks: none. Allocation: none. May run inside malloc. */
#include "profiler/peak.h"

#include "base/atomic.h"
#include "base/check.h"

/* A 256th, divided by the recorders. One that is alone knows all that it has not told, and need not tell so often. In a
 * small heap threads would tell each other of every object, and wait for each other's caches, but for the least. */
enum { TELL_SHIFT = 8, TELL_SHIFT_ALONE = 3, TELL_LEAST = 4096 };

/* One of the threads that see the same height raises the epoch; the values are of the moment before its change. */
void peak_set_mark(struct peak *peak, uint64_t high, uint64_t inuse) {
    if (atomic_cas_strong_acq_rel(&peak->high, &high, inuse))
        atomic_add_acq_rel(&peak->epoch, 1);
}

void peak_tell(struct peak *peak, struct recorder *recorder, int64_t bytes) {
    uint64_t told = peak_not_below_0(atomic_add_relaxed(&peak->inuse, (uint64_t)bytes) + (uint64_t)bytes);
    if (recorder) {
        atomic_store_relaxed(&recorder->inuse, 0);
        unsigned bits = recorder_count_bits();
        recorder->inuse_most = (int64_t)(told >> (bits ? TELL_SHIFT + bits : TELL_SHIFT_ALONE));
        if (recorder->inuse_most < TELL_LEAST)
            recorder->inuse_most = TELL_LEAST;
    }
}

uint64_t peak_settle(struct peak *peak) {
    uint64_t inuse = atomic_load_relaxed(&peak->inuse), high = atomic_load_relaxed(&peak->high);
    for (const struct recorder *recorder = recorder_first(); recorder; recorder = recorder->next)
        inuse += (uint64_t)atomic_load_relaxed(&recorder->inuse);
    inuse = peak_not_below_0(inuse);
    if (inuse > high)
        peak_set_mark(peak, high, inuse);
    return atomic_load_relaxed(&peak->high);
}
