/* Half-open address ranges with a payload, filled once and then searched: what functions, units and symbols
 * have in common. Ranges may overlap and nest. A struct that is all zero is valid and empty. Not thread safe.
 */
#ifndef HEAPTAP_SYMBOLIZER_RANGES_H
#define HEAPTAP_SYMBOLIZER_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct range {
    uint64_t low, high; /* [low, high) */
    size_t payload;
};

struct ranges {
    struct range *items; /* after ranges_seal: by rising low */
    uint64_t *reach;     /* reach[i] = greatest high of items[0..i] */
    size_t count, capacity;
};

/* False when there is no memory. An empty range is left out. */
bool ranges_add(struct ranges *ranges, uint64_t low, uint64_t high, size_t payload);
/* Sorts; to be called once, after the last ranges_add and before the first search. */
bool ranges_seal(struct ranges *ranges);
/* The next range that contains the address, from the greatest low downwards; `previous` NULL for the first.
 */
const struct range *ranges_find(const struct ranges *ranges, uint64_t address, const struct range *previous);
void ranges_free(struct ranges *ranges);

#endif
