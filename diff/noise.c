/* A row's sums are three cache lines, and most rows are no sample's leaf, so the sums lie densely and an index says
 * where: memory that is touched is that of rows with samples.
 *
 * Locks: none. Allocates with malloc. */
#include "diff/noise.h"

#include <stdlib.h>
#include <string.h>

static bool grow_places(struct noise *noise, uint32_t row) {
    size_t rows = (size_t)row + row / 2 + 1024;
    uint32_t *places = rows <= UINT32_MAX ? reallocarray(noise->places, rows, sizeof *places) : NULL;
    if (!places)
        return false;
    memset(places + noise->rows, 0, (rows - noise->rows) * sizeof *places);
    noise->places = places;
    noise->rows = (uint32_t)rows;
    return true;
}

static bool add_row(struct noise *noise, uint32_t row) {
    if (noise->count == noise->capacity) {
        size_t capacity = (size_t)noise->capacity * 2 + 256;
        struct sampled *items = capacity <= UINT32_MAX ? reallocarray(noise->items, capacity, sizeof *items) : NULL;
        if (!items)
            return false;
        noise->items = items;
        noise->capacity = (uint32_t)capacity;
    }
    noise->items[noise->count++] = (struct sampled){0};
    noise->places[row] = noise->count;
    return true;
}

bool noise_add(struct noise *noise, uint32_t row, const struct sampled *sample) {
    if (row >= noise->rows && !grow_places(noise, row))
        return false;
    if (!noise->places[row] && !add_row(noise, row))
        return false;
    sampled_add(&noise->items[noise->places[row] - 1], sample);
    return true;
}

bool noise_move(struct noise *noise, uint32_t from, uint32_t to) {
    if (from >= noise->rows || !noise->places[from])
        return true;
    if (to >= noise->rows && !grow_places(noise, to))
        return false;
    if (noise->places[to])
        sampled_add(&noise->items[noise->places[to] - 1], &noise->items[noise->places[from] - 1]);
    else
        noise->places[to] = noise->places[from];
    noise->places[from] = 0;
    return true;
}

const struct sampled *noise_find(const struct noise *noise, uint32_t row) {
    return row < noise->rows && noise->places[row] ? &noise->items[noise->places[row] - 1] : NULL;
}

void noise_close(struct noise *noise) {
    free(noise->places);
    free(noise->items);
    *noise = (struct noise){0};
}
