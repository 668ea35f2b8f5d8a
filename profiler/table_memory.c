/* One atomic counter holds what all tables have taken; it goes up by what fits under the ceiling alone, so nobody ever
 * reads more.
 *
 * Locks: none. May run inside malloc. */
#include "profiler/table_memory.h"

#include "base/atomic.h"
#include "base/bits.h"
#include "base/check.h"
#include "base/os.h"

/* An area grows by an eighth of itself between these bounds: few calls, little waste. */
enum { SMALLEST_STEP = 64 * 1024, LARGEST_STEP = 4 * 1024 * 1024 };

static _Atomic uint64_t limit = 64ull << 20;
static _Atomic uint64_t used;
static const struct table_backing *backing;

void table_memory_set_limit(uint64_t bytes) { atomic_store_relaxed(&limit, bytes); }
uint64_t table_memory_limit(void) { return atomic_load_relaxed(&limit); }
uint64_t table_memory_used(void) { return atomic_load_relaxed(&used); }

void table_memory_set_backing(const struct table_backing *new_backing) { backing = new_backing; }

/* An area that is in a black box is placed there as a whole, however little of it is ready. */
__attribute__((noinline)) static void place_backed(struct table_area *area) {
    area->base = backing->place(area->box, &area->reserved);
}

__attribute__((noinline)) static bool back(const struct table_area *area, size_t ready) {
    return backing->back(area->box, area->ready, ready);
}

static bool is_backed(const struct table_area *area) { return UNLIKELY(backing != NULL) && area->box; }

static bool take(size_t size) {
    uint64_t most = table_memory_limit(), now = table_memory_used();
    do {
        if (size > most || now > most - size)
            return false;
    } while (!atomic_cas_weak_relaxed(&used, &now, now + size));
    return true;
}

void *table_memory_alloc(size_t size) {
    size = align_up(size, os_page_size());
    if (!take(size))
        return NULL;
    void *p = os_alloc(size);
    if (!p)
        atomic_sub_relaxed(&used, size);
    return p;
}

void table_memory_free(void *p, size_t size) {
    size = align_up(size, os_page_size());
    os_free(p, size);
    atomic_sub_relaxed(&used, size);
}

static size_t next_step(const struct table_area *area) {
    size_t step = align_up(area->ready / 8, SMALLEST_STEP);
    if (step < SMALLEST_STEP)
        step = SMALLEST_STEP;
    return step < LARGEST_STEP ? step : LARGEST_STEP;
}

static void reserve(struct table_area *area) {
    size_t share = area->share ? area->share : 1;
    for (size_t size = align_up(table_memory_limit() / share, SMALLEST_STEP); size >= SMALLEST_STEP && !area->base;
         size = align_down(size / 2, SMALLEST_STEP)) {
        area->base = os_reserve(NULL, size, SMALLEST_STEP);
        area->reserved = size;
    }
}

bool table_area_reach(struct table_area *area, size_t size) {
    if (size <= area->ready)
        return true;
    if (!area->base) {
        if (is_backed(area))
            place_backed(area);
        else
            reserve(area);
        if (!area->base)
            return false;
    }
    size_t step = next_step(area);
    size_t ready = align_up(size, SMALLEST_STEP);
    if (ready < area->ready + step)
        ready = area->ready + step;
    if (ready > area->reserved)
        ready = area->reserved;
    if (size > ready || !take(ready - area->ready))
        return false;
    bool ok = is_backed(area) ? back(area, ready) : os_map(area->base + area->ready, ready - area->ready);
    if (!ok) {
        atomic_sub_relaxed(&used, ready - area->ready);
        return false;
    }
    area->ready = ready;
    return true;
}

void table_area_free(struct table_area *area) {
    if (area->base)
        os_free(area->base, area->reserved);
    atomic_sub_relaxed(&used, area->ready);
    *area = (struct table_area){.share = area->share, .box = area->box};
}
