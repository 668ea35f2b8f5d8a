/* Who calls a row and whom it calls. Locations that hold the row are marked, so that of most stacks only the numbers of
 * their locations are looked at. A call counts once a sample, however often the sample's stack makes it.
 *
 * Locks: none. Allocates with malloc. */
#include <stdlib.h>
#include <string.h>

#include "base/wrap.h"
#include "diff/compare.h"
#include "proto/merge.h"

/* One direction. Sums are by row; marks tell which sample counted there last. */
struct neighbours {
    int64_t (*sums)[HEAPPROFILE_SIDES];
    uint32_t *marks;
};

struct walk {
    struct heapprofile_diff *diff;
    uint32_t row, view;
    struct neighbours callers, callees;
    uint32_t sample; /* number of the sample at hand over all columns, plus 1 */
    uint32_t *sequence;
    size_t capacity, length;
};

static void count(struct walk *walk, struct neighbours *neighbours, uint32_t row, enum heapprofile_side side,
                  int64_t value) {
    if (neighbours->marks[row] == walk->sample)
        return;
    neighbours->marks[row] = walk->sample;
    neighbours->sums[row][side] = wrap_add(neighbours->sums[row][side], value);
}

/* Whether each location has a frame of the row. NULL when there is no memory. */
static unsigned char *mark_locations(const struct walk *walk, const struct column *column) {
    uint32_t count = column->source->profile.location_count;
    unsigned char *marks = calloc((size_t)count + 1, 1);
    for (uint32_t i = 0; marks && i < count; i++)
        for (uint32_t r = column->frames.first[i]; r < column->frames.first[i + 1]; r++)
            marks[i] |= column->frames.rows[r] == walk->row;
    return marks;
}

static bool is_on_stack(const struct profile *profile, const struct profile_sample *sample,
                        const unsigned char *marks) {
    const uint32_t *location = profile->location_ids + sample->first_location;
    unsigned char found = 0;
    for (uint32_t k = 0; k < sample->location_count; k++)
        found |= marks[location[k]];
    return found;
}

static bool walk_samples(struct walk *walk, size_t index, const unsigned char *marks) {
    const struct column *column = &walk->diff->view.columns[index];
    const struct profile *profile = &column->source->profile;
    enum heapprofile_side side = compare_side(walk->diff, index);
    for (uint32_t i = 0; i < profile->sample_count; i++) {
        if (!is_on_stack(profile, &profile->samples[i], marks))
            continue;
        int64_t value = merge_scale(profile->values[(size_t)i * profile->sample_type_count + column->types[walk->view]],
                                    column->scales[walk->view]);
        walk->sample++;
        if (!frames_sequence(&column->frames, profile, &profile->samples[i], &walk->sequence, &walk->capacity,
                             &walk->length))
            return false;
        for (size_t k = 0; k < walk->length; k++) {
            if (walk->sequence[k] != walk->row)
                continue;
            if (k)
                count(walk, &walk->callees, walk->sequence[k - 1], side, value);
            if (k + 1 < walk->length)
                count(walk, &walk->callers, walk->sequence[k + 1], side, value);
        }
    }
    return true;
}

static bool walk_column(struct walk *walk, size_t index) {
    unsigned char *marks = mark_locations(walk, &walk->diff->view.columns[index]);
    bool ok = marks && walk_samples(walk, index, marks);
    free(marks);
    return ok;
}

static int by_change(const void *a, const void *b) {
    const struct heapprofile_link *x = a, *y = b;
    uint64_t p = wrap_magnitude(wrap_subtract(x->values[HEAPPROFILE_NEW], x->values[HEAPPROFILE_OLD]));
    uint64_t q = wrap_magnitude(wrap_subtract(y->values[HEAPPROFILE_NEW], y->values[HEAPPROFILE_OLD]));
    if (p != q)
        return p > q ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

/* The rows that were counted, as a sorted list. */
static bool collect(const struct walk *walk, const struct neighbours *neighbours, struct heapprofile_link **list,
                    uint32_t *list_count) {
    uint32_t rows = walk->diff->view.rows.count, found = 0;
    for (uint32_t i = 0; i < rows; i++)
        found += neighbours->marks[i] != 0;
    *list = calloc((size_t)found + 1, sizeof **list);
    *list_count = found;
    if (!*list)
        return false;
    found = 0;
    for (uint32_t i = 0; i < rows; i++) {
        if (!neighbours->marks[i])
            continue;
        struct heapprofile_link *link = &(*list)[found++];
        link->row = i;
        for (enum heapprofile_side side = HEAPPROFILE_OLD; side < HEAPPROFILE_SIDES; side++)
            link->values[side] = walk->diff->runs[side] > 1
                                     ? compare_mean(walk->diff, side, (double)neighbours->sums[i][side])
                                     : neighbours->sums[i][side];
    }
    qsort(*list, found, sizeof **list, by_change);
    return true;
}

static bool open_neighbours(struct neighbours *neighbours, uint32_t rows) {
    neighbours->sums = calloc((size_t)rows + 1, sizeof *neighbours->sums);
    neighbours->marks = calloc((size_t)rows + 1, sizeof *neighbours->marks);
    return neighbours->sums && neighbours->marks;
}

static void close_neighbours(struct neighbours *neighbours) {
    free(neighbours->sums);
    free(neighbours->marks);
}

bool heapprofile_diff_links(struct heapprofile_diff *diff, uint32_t row, uint32_t view,
                            struct heapprofile_links *links) {
    struct walk walk = {.diff = diff, .row = row, .view = view};
    enum heapprofile_by by = diff->view.rows.by;
    *links = (struct heapprofile_links){0};
    if (by == HEAPPROFILE_BY_STACK || by == HEAPPROFILE_BY_LABEL)
        return true;
    bool ok =
        open_neighbours(&walk.callers, diff->view.rows.count) && open_neighbours(&walk.callees, diff->view.rows.count);
    for (size_t c = 0; ok && c < diff->view.column_count; c++)
        ok = walk_column(&walk, c);
    ok = ok && collect(&walk, &walk.callers, &links->callers, &links->caller_count) &&
         collect(&walk, &walk.callees, &links->callees, &links->callee_count);
    close_neighbours(&walk.callers);
    close_neighbours(&walk.callees);
    free(walk.sequence);
    if (!ok)
        heapprofile_links_free(links);
    return ok;
}

void heapprofile_links_free(struct heapprofile_links *links) {
    free(links->callers);
    free(links->callees);
    *links = (struct heapprofile_links){0};
}
