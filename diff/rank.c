/* The order of rows. Sort keys are computed once a row, because a comparison would compute them a dozen times. Names
 * are compared last and seldom; those of stacks would have to be made, so stacks fall back to the order of their
 * arrival.
 *
 * Locks: none. Allocates with malloc. */
#include <stdlib.h>
#include <string.h>

#include "base/wrap.h"
#include "diff/compare.h"

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

/* Size of the change, or of the value when one profile is shown. */
static uint64_t size_of(const struct heapprofile_diff *diff, uint32_t row, uint32_t view,
                        enum heapprofile_measure measure, bool *is_there) {
    int64_t before = compare_value(diff, HEAPPROFILE_OLD, measure, row, view);
    int64_t after = compare_value(diff, HEAPPROFILE_NEW, measure, row, view);
    *is_there |= before || after;
    return wrap_magnitude(wrap_subtract(after, before));
}

const uint32_t *heapprofile_diff_rank(struct heapprofile_diff *diff, uint32_t view, enum heapprofile_measure measure,
                                      uint32_t *count) {
    enum heapprofile_measure other = measure == HEAPPROFILE_CUM ? HEAPPROFILE_FLAT : HEAPPROFILE_CUM;
    uint32_t rows = diff->view.rows.count;
    struct sort_key *keys = calloc((size_t)rows + 1, sizeof *keys);
    uint32_t *order = reallocarray(diff->rank, (size_t)rows + 1, sizeof *order);
    diff->rank = order ? order : diff->rank;
    *count = 0;
    if (!keys || !order) {
        free(keys);
        return NULL;
    }
    for (uint32_t i = 0; i < rows; i++) {
        bool is_there = false;
        uint64_t first = size_of(diff, i, view, measure, &is_there);
        uint64_t second = size_of(diff, i, view, other, &is_there);
        if (is_there)
            keys[(*count)++] =
                (struct sort_key){first, second, diff->view.rows.functions ? NULL : rows_name(&diff->view.rows, i), i};
    }
    qsort(keys, *count, sizeof *keys, by_key);
    for (uint32_t i = 0; i < *count; i++)
        order[i] = keys[i].row;
    free(keys);
    return order;
}
