#include "alloc/memlimit.h"

#include "alloc/size_class.h"
#include "base/atomic.h"

static _Atomic int64_t limit = MEMLIMIT_OFF;

int64_t memlimit_get(void) { return atomic_load_relaxed(&limit); }

int64_t memlimit_set(int64_t bytes) { return atomic_swap_acq_rel(&limit, bytes); }

static uint64_t excess_over(uint64_t ready_pages, uint64_t metadata_bytes, uint64_t bytes) {
    uint64_t used = (ready_pages << HEAP_PAGE_SHIFT) + metadata_bytes;
    return used > bytes ? (used - bytes + HEAP_PAGE_SIZE - 1) >> HEAP_PAGE_SHIFT : 0;
}

uint64_t memlimit_excess_pages(uint64_t ready_pages, uint64_t metadata_bytes) {
    return excess_over(ready_pages, metadata_bytes, (uint64_t)memlimit_get());
}

uint64_t memlimit_goal_excess_pages(uint64_t ready_pages, uint64_t metadata_bytes) {
    uint64_t bytes = (uint64_t)memlimit_get();
    return excess_over(ready_pages, metadata_bytes, bytes - bytes / 20);
}
