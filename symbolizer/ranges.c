/* A sorted array with running maxima instead of an interval tree: it is built once, and real tables nest two
 * or three deep, so a search is one bisection and a step or two.
 *
 *   1. bisect for the last range that begins at or before the address
 *   2. walk down while some range below still reaches past the address (`reach`), yielding those that contain
 * it
 *
 * Locks: none. Allocates with malloc: it never runs inside the profiled process. */
#include "symbolizer/ranges.h"

#include <stdlib.h>

#include "base/check.h"

bool ranges_add(struct ranges *ranges, uint64_t low, uint64_t high, size_t payload) {
    if (low >= high)
        return true;
    if (ranges->count == ranges->capacity) {
        size_t capacity = ranges->capacity ? ranges->capacity * 2 : 64;
        struct range *items = reallocarray(ranges->items, capacity, sizeof *items);
        if (!items)
            return false;
        ranges->items = items;
        ranges->capacity = capacity;
    }
    ranges->items[ranges->count++] = (struct range){low, high, payload};
    return true;
}

static int by_low(const void *a, const void *b) {
    const struct range *x = a, *y = b;
    if (x->low != y->low)
        return x->low < y->low ? -1 : 1;
    if (x->high != y->high)
        return x->high > y->high ? -1 : 1;
    return x->payload < y->payload ? -1 : x->payload > y->payload;
}

bool ranges_seal(struct ranges *ranges) {
    DCHECK(!ranges->reach);
    if (!ranges->count)
        return true;
    qsort(ranges->items, ranges->count, sizeof *ranges->items, by_low);
    ranges->reach = calloc(ranges->count, sizeof *ranges->reach);
    if (!ranges->reach)
        return false;
    uint64_t reach = 0;
    for (size_t i = 0; i < ranges->count; i++) {
        if (ranges->items[i].high > reach)
            reach = ranges->items[i].high;
        ranges->reach[i] = reach;
    }
    return true;
}

/* How many ranges begin at or before the address. */
static size_t count_begun(const struct ranges *ranges, uint64_t address) {
    size_t low = 0, high = ranges->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (ranges->items[middle].low <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct range *ranges_find(const struct ranges *ranges, uint64_t address, const struct range *previous) {
    if (!ranges->reach)
        return NULL;
    size_t i = previous ? (size_t)(previous - ranges->items) : count_begun(ranges, address);
    while (i > 0 && ranges->reach[i - 1] > address) {
        i--;
        if (address < ranges->items[i].high)
            return &ranges->items[i];
    }
    return NULL;
}

void ranges_free(struct ranges *ranges) {
    free(ranges->items);
    free(ranges->reach);
    *ranges = (struct ranges){0};
}
