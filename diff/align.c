/* Likeness of two rows, each vector scaled to a sum of 1:
 *
 *     0.4 * sum over callers of min(old, new)  +  0.4 * the same over callees  +  0.2 * smaller size / greater size
 *
 * Callers and callees are weighted by the bytes or objects that go through them in the first view. Being at the root,
 * and allocating oneself, count as a caller and as a callee. Size is the part of the side's total, so that a heap that
 * doubled changes nothing.
 *
 *   1. walk all stacks once: for each row that only one side has, the weights of its neighbours
 *   2. compare each such row of OLD with each of NEW that shares a neighbour; keep those above LEAST_LIKENESS
 *   3. the best pair first, match what has no rival that is nearly as alike; two that are alike to the letter cannot be
 *      told from each other, and no guess is better than a bad one
 *   4. matched rows are one neighbour from now on: again from 2, until nothing new is found
 *
 * The rows of each side are limited to the MOST_ROWS greatest, so the comparisons are bounded whatever the files hold.
 *
 * Locks: none. Allocates with malloc. */
#include "diff/align.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/wrap.h"

enum { MOST_ROWS = 2000, MOST_ROUNDS = 8 };

static const double least_likeness = 0.6, least_lead = 0.05;

/* Row numbers that stand for no row. */
#define AT_ROOT (UINT32_MAX - 1)
#define AT_LEAF (UINT32_MAX - 2)

/* What goes from one row to another. */
struct edge {
    uint32_t row, neighbour;
    bool is_caller;
    double weight;
};

/* One row that only one side has: a slice of the edges. */
struct candidate {
    uint32_t row;
    size_t first, count;
    double size;                   /* part of the side's total */
    double caller_sum, callee_sum; /* of the weights */
    bool is_matched;
};

struct candidates {
    struct candidate *items;
    uint32_t count;
};

struct match {
    uint32_t old, new; /* candidates */
    double likeness;
};

struct aligner {
    struct heapprofile_diff *diff;
    unsigned char *sides; /* by row: bit 1 << side where it has numbers */
    uint32_t *alias;      /* by row: what it is called by now */
    struct edge *edges;
    size_t edge_count, edge_room;
    struct candidates lists[HEAPPROFILE_SIDES];
    struct match *matches;
    size_t match_count, match_room;
    double *likeness; /* by row of NEW */
    uint32_t *old_of; /* by row of NEW: the row of OLD, or PROFILE_NONE */
    uint32_t *sequence;
    size_t capacity, length;
};

static bool is_one_sided(const struct aligner *aligner, uint32_t row) {
    return aligner->sides[row] == 1 << HEAPPROFILE_OLD || aligner->sides[row] == 1 << HEAPPROFILE_NEW;
}

/* ---- 1: edges ---- */

static bool add_edge(struct aligner *aligner, uint32_t row, uint32_t neighbour, bool is_caller, double weight) {
    if (aligner->edge_count == aligner->edge_room) {
        size_t room = aligner->edge_room * 2 + 1024;
        struct edge *edges = reallocarray(aligner->edges, room, sizeof *edges);
        if (!edges)
            return false;
        aligner->edges = edges;
        aligner->edge_room = room;
    }
    aligner->edges[aligner->edge_count++] = (struct edge){row, neighbour, is_caller, weight};
    return true;
}

static uint32_t rename_neighbour(const struct aligner *aligner, uint32_t neighbour) {
    return neighbour >= AT_LEAF ? neighbour : aligner->alias[neighbour];
}

static int by_row(const void *a, const void *b) {
    const struct edge *x = a, *y = b;
    if (x->row != y->row)
        return x->row < y->row ? -1 : 1;
    if (x->is_caller != y->is_caller)
        return x->is_caller ? -1 : 1;
    return x->neighbour < y->neighbour ? -1 : x->neighbour > y->neighbour;
}

/* Sorts the edges and makes one of those between the same two rows. */
static void fold_edges(struct aligner *aligner) {
    size_t kept = 0;
    if (aligner->edge_count)
        qsort(aligner->edges, aligner->edge_count, sizeof *aligner->edges, by_row);
    for (size_t i = 0; i < aligner->edge_count; i++) {
        const struct edge *edge = &aligner->edges[i];
        if (kept && by_row(&aligner->edges[kept - 1], edge) == 0)
            aligner->edges[kept - 1].weight += edge->weight;
        else
            aligner->edges[kept++] = *edge;
    }
    aligner->edge_count = kept;
}

static bool add_sample(struct aligner *aligner, double weight) {
    for (size_t k = 0; k < aligner->length; k++) {
        uint32_t row = aligner->sequence[k];
        if (!is_one_sided(aligner, row))
            continue;
        uint32_t caller = k + 1 < aligner->length ? aligner->sequence[k + 1] : AT_ROOT;
        uint32_t callee = k ? aligner->sequence[k - 1] : AT_LEAF;
        /* Its own recursion says nothing of a row. */
        if (caller != row && !add_edge(aligner, row, caller, true, weight))
            return false;
        if (callee != row && !add_edge(aligner, row, callee, false, weight))
            return false;
    }
    return true;
}

static bool walk_column(struct aligner *aligner, const struct column *column) {
    enum { FOLD_AT = 1 << 20 };
    const struct profile *profile = &column->source->profile;
    size_t fold_at = FOLD_AT;
    for (uint32_t i = 0; i < profile->sample_count; i++) {
        int64_t value = profile->values[(size_t)i * profile->sample_type_count + column->types[0]];
        if (!value)
            continue;
        if (!frames_sequence(&column->frames, profile, &profile->samples[i], &aligner->sequence, &aligner->capacity,
                             &aligner->length) ||
            !add_sample(aligner, (double)wrap_magnitude(value)))
            return false;
        if (aligner->edge_count > fold_at) {
            fold_edges(aligner);
            fold_at = aligner->edge_count * 2 + FOLD_AT;
        }
    }
    return true;
}

/* ---- 2: candidates and their likeness ---- */

static int by_size(const void *a, const void *b) {
    const struct candidate *x = a, *y = b;
    if (x->size != y->size)
        return x->size > y->size ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

static double find_size(const struct aligner *aligner, enum heapprofile_side side, uint32_t row) {
    uint64_t whole = heapprofile_diff_magnitude(aligner->diff, side, 0);
    int64_t value = compare_value(aligner->diff, side, HEAPPROFILE_CUM, row, 0);
    return whole ? (double)wrap_magnitude(value) / (double)whole : 0;
}

/* The rows of one side that have edges, the greatest first; rows that are matched already have none. */
static bool collect(struct aligner *aligner, enum heapprofile_side side) {
    struct candidates *list = &aligner->lists[side];
    size_t room = 0;
    for (size_t i = 0; i < aligner->edge_count; i++)
        room += i == 0 || aligner->edges[i].row != aligner->edges[i - 1].row;
    free(list->items);
    list->count = 0;
    list->items = calloc(room + 1, sizeof *list->items);
    if (!list->items)
        return false;
    for (size_t i = 0; i < aligner->edge_count;) {
        struct candidate candidate = {.row = aligner->edges[i].row, .first = i};
        for (; i < aligner->edge_count && aligner->edges[i].row == candidate.row; i++, candidate.count++)
            *(aligner->edges[i].is_caller ? &candidate.caller_sum : &candidate.callee_sum) += aligner->edges[i].weight;
        if (aligner->sides[candidate.row] != 1 << side)
            continue;
        candidate.size = find_size(aligner, side, candidate.row);
        list->items[list->count++] = candidate;
    }
    qsort(list->items, list->count, sizeof *list->items, by_size);
    list->count = list->count < MOST_ROWS ? list->count : MOST_ROWS;
    return true;
}

static double compare_candidates(const struct aligner *aligner, const struct candidate *a, const struct candidate *b) {
    double callers = 0, callees = 0;
    size_t i = a->first, k = b->first;
    while (i < a->first + a->count && k < b->first + b->count) {
        struct edge x = aligner->edges[i], y = aligner->edges[k];
        x.row = y.row;
        int order = by_row(&x, &y);
        if (order == 0 && x.is_caller)
            callers += fmin(x.weight / a->caller_sum, y.weight / b->caller_sum);
        else if (order == 0)
            callees += fmin(x.weight / a->callee_sum, y.weight / b->callee_sum);
        i += order <= 0;
        k += order >= 0;
    }
    double larger = fmax(a->size, b->size);
    return 0.4 * callers + 0.4 * callees + (larger > 0 ? 0.2 * fmin(a->size, b->size) / larger : 0);
}

static bool add_match(struct aligner *aligner, uint32_t old, uint32_t new, double likeness) {
    if (aligner->match_count == aligner->match_room) {
        size_t room = aligner->match_room * 2 + 64;
        struct match *matches = reallocarray(aligner->matches, room, sizeof *matches);
        if (!matches)
            return false;
        aligner->matches = matches;
        aligner->match_room = room;
    }
    aligner->matches[aligner->match_count++] = (struct match){old, new, likeness};
    return true;
}

/* All pairs that are alike enough, and those that are nearly so: rivals. */
static bool compare_all(struct aligner *aligner) {
    const struct candidates *old = &aligner->lists[HEAPPROFILE_OLD], *new = &aligner->lists[HEAPPROFILE_NEW];
    aligner->match_count = 0;
    for (uint32_t i = 0; i < old->count; i++) {
        for (uint32_t k = 0; k < new->count; k++) {
            double likeness = compare_candidates(aligner, &old->items[i], &new->items[k]);
            if (likeness >= least_likeness - least_lead && !add_match(aligner, i, k, likeness))
                return false;
        }
    }
    return true;
}

/* ---- 3: choosing ---- */

static int by_likeness(const void *a, const void *b) {
    const struct match *x = a, *y = b;
    if (x->likeness != y->likeness)
        return x->likeness > y->likeness ? -1 : 1;
    if (x->old != y->old)
        return x->old < y->old ? -1 : 1;
    return x->new < y->new ? -1 : x->new > y->new;
}

/* Whether another pair of one of the two, still free, is nearly as alike. Matches are sorted, so only those behind it
 * and close to it need a look. */
static bool has_rival(const struct aligner *aligner, size_t index) {
    const struct match *match = &aligner->matches[index];
    for (size_t i = index + 1; i < aligner->match_count; i++) {
        const struct match *other = &aligner->matches[i];
        if (other->likeness < match->likeness - least_lead)
            return false;
        bool is_free = !aligner->lists[HEAPPROFILE_OLD].items[other->old].is_matched &&
                       !aligner->lists[HEAPPROFILE_NEW].items[other->new].is_matched;
        if (is_free && (other->old == match->old || other->new == match->new))
            return true;
    }
    return false;
}

/* How many were matched. */
static size_t choose(struct aligner *aligner) {
    size_t found = 0;
    if (aligner->match_count)
        qsort(aligner->matches, aligner->match_count, sizeof *aligner->matches, by_likeness);
    for (size_t i = 0; i < aligner->match_count && aligner->matches[i].likeness >= least_likeness; i++) {
        struct candidate *old = &aligner->lists[HEAPPROFILE_OLD].items[aligner->matches[i].old];
        struct candidate *new = &aligner->lists[HEAPPROFILE_NEW].items[aligner->matches[i].new];
        if (old->is_matched || new->is_matched)
            continue;
        /* One of two twins is not taken, and neither is what is left for the other. */
        bool is_unsure = has_rival(aligner, i);
        old->is_matched = new->is_matched = true;
        if (is_unsure)
            continue;
        aligner->alias[old->row] = new->row;
        aligner->old_of[new->row] = old->row;
        aligner->likeness[new->row] = aligner->matches[i].likeness;
        found++;
    }
    return found;
}

/* ---- 4: another round ---- */

/* Edges of matched rows go, and matched neighbours get their new names. */
static void rename_edges(struct aligner *aligner) {
    size_t kept = 0;
    for (size_t i = 0; i < aligner->edge_count; i++) {
        struct edge edge = aligner->edges[i];
        if (aligner->alias[edge.row] != edge.row || aligner->old_of[edge.row] != PROFILE_NONE)
            continue;
        edge.neighbour = rename_neighbour(aligner, edge.neighbour);
        aligner->edges[kept++] = edge;
    }
    aligner->edge_count = kept;
    fold_edges(aligner);
}

static bool match_rows(struct aligner *aligner) {
    struct view *view = &aligner->diff->view;
    for (size_t c = 0; c < view->column_count; c++)
        if (!walk_column(aligner, &view->columns[c]))
            return false;
    fold_edges(aligner);
    for (int round = 0; round < MOST_ROUNDS; round++) {
        if (!collect(aligner, HEAPPROFILE_OLD) || !collect(aligner, HEAPPROFILE_NEW) || !compare_all(aligner))
            return false;
        if (!choose(aligner))
            break;
        rename_edges(aligner);
    }
    return true;
}

/* Moves OLD's numbers to the rows of NEW, and tells the diff. */
static bool apply(struct aligner *aligner) {
    struct heapprofile_diff *diff = aligner->diff;
    uint32_t rows = diff->view.rows.count;
    diff->old_names = calloc((size_t)rows + 1, sizeof *diff->old_names);
    if (!diff->old_names || !view_rename(&diff->view, aligner->alias))
        return false;
    for (uint32_t row = 0; row < rows; row++)
        if (aligner->old_of[row] != PROFILE_NONE)
            diff->old_names[row] = rows_name(&diff->view.rows, aligner->old_of[row]);
    diff->likeness = aligner->likeness;
    aligner->likeness = NULL;
    return true;
}

static bool open_aligner(struct aligner *aligner, struct heapprofile_diff *diff) {
    uint32_t rows = diff->view.rows.count;
    *aligner = (struct aligner){.diff = diff,
                                .sides = calloc((size_t)rows + 1, sizeof *aligner->sides),
                                .alias = calloc((size_t)rows + 1, sizeof *aligner->alias),
                                .likeness = calloc((size_t)rows + 1, sizeof *aligner->likeness),
                                .old_of = calloc((size_t)rows + 1, sizeof *aligner->old_of)};
    if (!aligner->sides || !aligner->alias || !aligner->likeness || !aligner->old_of)
        return false;
    for (uint32_t row = 0; row < rows; row++) {
        aligner->alias[row] = row;
        aligner->old_of[row] = PROFILE_NONE;
        for (size_t c = 0; c < diff->view.column_count; c++)
            if (view_has_row(&diff->view, c, row))
                aligner->sides[row] |= (unsigned char)(1 << compare_side(diff, c));
    }
    return true;
}

static void close_aligner(struct aligner *aligner) {
    free(aligner->sides);
    free(aligner->alias);
    free(aligner->edges);
    free(aligner->lists[HEAPPROFILE_OLD].items);
    free(aligner->lists[HEAPPROFILE_NEW].items);
    free(aligner->matches);
    free(aligner->likeness);
    free(aligner->old_of);
    free(aligner->sequence);
}

bool align_rows(struct heapprofile_diff *diff) {
    struct aligner aligner;
    enum heapprofile_by by = diff->view.rows.by;
    if (!diff->runs[HEAPPROFILE_OLD] || by == HEAPPROFILE_BY_STACK || by == HEAPPROFILE_BY_LABEL)
        return true;
    bool ok = open_aligner(&aligner, diff) && match_rows(&aligner) && apply(&aligner);
    close_aligner(&aligner);
    return ok;
}
