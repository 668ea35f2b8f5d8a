/* A binary heap of numbers by weight: the heaviest comes out first, of equal ones the smallest number. The array is the
 * caller's, and has room for all that may be in it at once. Nothing is allocated. Not thread safe. */
#ifndef HEAPTAP_BASE_MAX_HEAP_H
#define HEAPTAP_BASE_MAX_HEAP_H

#include <stdint.h>

struct max_heap_entry {
    double weight;
    uint32_t number;
};

struct max_heap {
    struct max_heap_entry *entries;
    uint32_t count;
};

void max_heap_push(struct max_heap *heap, uint32_t number, double weight);
/* Only when there is one. */
uint32_t max_heap_pop(struct max_heap *heap);

#endif
