/* What the numbers of rows rest on (diff/sampled), for the rows that samples were added to. Not thread safe. */
#ifndef HEAPTAP_DIFF_NOISE_H
#define HEAPTAP_DIFF_NOISE_H

#include <stdbool.h>
#include <stdint.h>

#include "diff/sampled.h"

struct noise {
    uint32_t *places;      /* by row: index into `items` + 1, or 0 where nothing was added */
    struct sampled *items; /* in the order in which rows came up */
    uint32_t rows, count, capacity;
};

/* All zero is empty. Adds a sample to a row; false when there is no memory. */
bool noise_add(struct noise *noise, uint32_t row, const struct sampled *sample);
/* What was added to one row joins another. False when there is no memory. */
bool noise_move(struct noise *noise, uint32_t from, uint32_t to);
/* What is going to be added to. */
static inline void noise_prefetch(const struct noise *noise, uint32_t row) {
    if (row >= noise->rows || !noise->places[row])
        return;
    const char *item = (const char *)&noise->items[noise->places[row] - 1];
    __builtin_prefetch(item, 1);
    __builtin_prefetch(item + sizeof(struct sampled) / 2, 1);
    __builtin_prefetch(item + sizeof(struct sampled) - 1, 1);
}

/* NULL where nothing was added. */
const struct sampled *noise_find(const struct noise *noise, uint32_t row);
void noise_close(struct noise *noise);

#endif
