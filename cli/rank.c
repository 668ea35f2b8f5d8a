/* The sort keys are computed once a row, because a comparison would compute them a dozen times. Names are
 * compared last and seldom; those of stacks would have to be made, so stacks fall back to the order of their
 * arrival. Locks: none. Allocates with malloc. */
#include "cli/rank.h"

#include <stdlib.h>
#include <string.h>

#include "cli/quantity.h"

struct sort_key {
    uint64_t first, second; /* sizes: greater comes earlier */
    const char *name;
    uint32_t row;
};

static int by_key(const void *a, const void *b) {
    const struct sort_key *x = a, *y = b;
    if (x->first != y->first)
        return x->first > y->first ? -1 : 1;
    if (x->second != y->second)
        return x->second > y->second ? -1 : 1;
    int names = x->name && y->name ? strcmp(x->name, y->name) : 0;
    return names ? names : x->row < y->row ? -1 : x->row > y->row;
}

static uint64_t measure(const int64_t *values, bool is_diff) {
    return quantity_magnitude(is_diff ? quantity_subtract(values[VIEW_NEW], values[VIEW_OLD]) : values[VIEW_NEW]);
}

static bool is_zero(const struct view_row *row) {
    return !row->flat[VIEW_OLD] && !row->flat[VIEW_NEW] && !row->cum[VIEW_OLD] && !row->cum[VIEW_NEW];
}

bool rank_rows(struct view *view, struct rank_rule rule, struct rank *rank) {
    struct sort_key *keys = calloc((size_t)view->count + 1, sizeof *keys);
    *rank = (struct rank){.order = calloc((size_t)view->count + 1, sizeof *rank->order)};
    if (!keys || !rank->order) {
        free(keys);
        rank_free(rank);
        return false;
    }
    for (uint32_t i = 0; i < view->count; i++) {
        const struct view_row *row = &view->rows[i];
        if (is_zero(row))
            continue;
        uint64_t flat = measure(row->flat, rule.is_diff), cum = measure(row->cum, rule.is_diff);
        keys[rank->count++] = (struct sort_key){.first = rule.by_cum ? cum : flat,
                                                .second = rule.by_cum ? flat : cum,
                                                .name = view->by == VIEW_STACK ? NULL : view_name(view, i),
                                                .row = i};
    }
    qsort(keys, rank->count, sizeof *keys, by_key);
    for (uint32_t i = 0; i < rank->count; i++)
        rank->order[i] = keys[i].row;
    free(keys);
    return true;
}

void rank_free(struct rank *rank) {
    free(rank->order);
    *rank = (struct rank){0};
}
