/* The children of entry i are 2i + 1 and 2i + 2, neither greater than it. Locks, allocation: none. */
#include "base/max_heap.h"

#include <stdbool.h>

#include "base/check.h"

static bool is_greater(const struct max_heap_entry *a, const struct max_heap_entry *b) {
    return a->weight != b->weight ? a->weight > b->weight : a->number < b->number;
}

void max_heap_push(struct max_heap *heap, uint32_t number, double weight) {
    struct max_heap_entry *entries = heap->entries, added = {weight, number};
    uint32_t at = heap->count++;
    for (; at && is_greater(&added, &entries[(at - 1) / 2]); at = (at - 1) / 2)
        entries[at] = entries[(at - 1) / 2];
    entries[at] = added;
}

uint32_t max_heap_pop(struct max_heap *heap) {
    DCHECK(heap->count);
    struct max_heap_entry *entries = heap->entries, top = entries[0], moved = entries[--heap->count];
    uint32_t at = 0;
    for (uint64_t child; (child = (uint64_t)at * 2 + 1) < heap->count; at = (uint32_t)child) {
        if (child + 1 < heap->count && is_greater(&entries[child + 1], &entries[child]))
            child++;
        if (!is_greater(&entries[child], &moved))
            break;
        entries[at] = entries[child];
    }
    entries[at] = moved;
    return top.number;
}
