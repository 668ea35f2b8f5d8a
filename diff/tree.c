/* The call tree of a comparison, grown from the root by always opening the greatest node that is still closed, until
 * there is no room for more nodes. So what is left out is small, however many stacks there are, and no more of a stack
 * is looked at than is shown.
 *
 *   items   one a sample, with a cursor on its next frame; the items of a node lie side by side
 *
 *   open a node:
 *     1. items whose cursor is at the end are the node's flat
 *     2. the others are counted by the row of their next frame, and their cursors moved past it: the children, the
 *        greatest first
 *     3. items are moved so that each child's lie side by side
 *
 * Each frame of a stack is visited once at most. Locks: none. Allocates with malloc. */
#include <stdlib.h>
#include <string.h>

#include "base/max_heap.h"
#include "base/wrap.h"
#include "diff/compare.h"
#include "proto/merge.h"

enum { FETCH_AHEAD = 8 };

struct item {
    uint32_t column, sample;
    uint32_t next;  /* location, in the profile's location_ids */
    uint32_t left;  /* locations, the next one included */
    uint32_t frame; /* how many frames of the next one are done */
};

struct node {
    struct heapprofile_node shown;
    uint32_t first_item, item_count;
    double weight; /* greatest share of before or after in any view */
};

struct child {
    uint32_t row, count;
    double weight;
};

struct heapprofile_tree {
    struct heapprofile_diff *diff;
    bool is_inverted;
    struct node *nodes;
    uint32_t count, most, item_count;
    int64_t *flat, *cum; /* [node][view][side], sums over the side's runs */
    struct item *items, *sorted;
    struct max_heap closed;  /* nodes */
    uint32_t *child_of_item; /* by item, while its node is open: number of the child that it goes to, or PROFILE_NONE */
    uint32_t *child_of_row;  /* number of the row's child plus 1, while a node is open */
    struct child *children;
    uint32_t child_count, child_room;
    int64_t *child_values; /* [child][view][side] */
};

static size_t stride(const struct heapprofile_tree *tree) { return (size_t)tree->diff->view.views * HEAPPROFILE_SIDES; }

/* ---- one item ---- */

/* The row of the next frame, PROFILE_NONE at the end; the cursor moves past it. */
static uint32_t next_row(const struct heapprofile_tree *tree, struct item *item) {
    if (!item->left)
        return PROFILE_NONE;
    const struct column *column = &tree->diff->view.columns[item->column];
    uint32_t location = column->source->profile.location_ids[item->next];
    uint32_t first = column->frames.first[location], count = column->frames.first[location + 1] - first;
    uint32_t frame = tree->is_inverted ? item->frame : count - 1 - item->frame;
    if (++item->frame == count) {
        item->frame = 0;
        item->left--;
        item->next += tree->is_inverted ? 1 : UINT32_MAX; /* wraps: one back */
    }
    return column->frames.rows[first + frame];
}

/* Samples lie anywhere in memory: what an item will need is fetched while others are looked at. Inline, because gcc
 * takes a call that does nothing else for one that does nothing. */
static inline __attribute__((always_inline)) void fetch_item(const struct heapprofile_tree *tree,
                                                             const struct item *item) {
    const struct profile *profile = &tree->diff->view.columns[item->column].source->profile;
    if (item->left)
        __builtin_prefetch(&profile->location_ids[item->next]);
    __builtin_prefetch(&profile->values[(size_t)item->sample * profile->sample_type_count]);
}

static void add_item(const struct heapprofile_tree *tree, const struct item *item, int64_t *sums) {
    const struct column *column = &tree->diff->view.columns[item->column];
    const struct profile *profile = &column->source->profile;
    const int64_t *values = profile->values + (size_t)item->sample * profile->sample_type_count;
    enum heapprofile_side side = compare_side(tree->diff, item->column);
    for (uint32_t t = 0; t < tree->diff->view.views; t++) {
        int64_t *sum = &sums[t * HEAPPROFILE_SIDES + side];
        *sum = wrap_add(*sum, merge_scale(values[column->types[t]], column->scales[t]));
    }
}

static double weigh(const struct heapprofile_tree *tree, const int64_t *sums) {
    double greatest = 0;
    for (uint32_t t = 0; t < tree->diff->view.views; t++) {
        for (enum heapprofile_side side = HEAPPROFILE_OLD; side < HEAPPROFILE_SIDES; side++) {
            uint64_t whole = heapprofile_diff_magnitude(tree->diff, side, t);
            double runs = tree->diff->runs[side] ? (double)tree->diff->runs[side] : 1;
            double share =
                (double)wrap_magnitude(sums[t * HEAPPROFILE_SIDES + side]) / runs / (whole ? (double)whole : 1);
            greatest = share > greatest ? share : greatest;
        }
    }
    return greatest;
}

/* ---- opening a node ---- */

/* The child of this row, a new one the first time; NULL when there is no memory. */
static struct child *find_child(struct heapprofile_tree *tree, uint32_t row) {
    if (tree->child_of_row[row])
        return &tree->children[tree->child_of_row[row] - 1];
    if (tree->child_count == tree->child_room) {
        size_t room = (size_t)tree->child_room * 2 + 64;
        struct child *children = reallocarray(tree->children, room, sizeof *children);
        int64_t *values = reallocarray(tree->child_values, room * stride(tree) + 1, sizeof *values);
        tree->children = children ? children : tree->children;
        tree->child_values = values ? values : tree->child_values;
        if (!children || !values)
            return NULL;
        tree->child_room = (uint32_t)room;
    }
    memset(tree->child_values + tree->child_count * stride(tree), 0, stride(tree) * sizeof *tree->child_values);
    struct child *child = &tree->children[tree->child_count++];
    *child = (struct child){.row = row};
    tree->child_of_row[row] = tree->child_count;
    return child;
}

static int by_weight(const void *a, const void *b, void *context) {
    const struct child *children = context;
    const struct child *x = &children[*(const uint32_t *)a], *y = &children[*(const uint32_t *)b];
    if (x->weight != y->weight)
        return x->weight > y->weight ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

/* Counts the items of a node by their next frame. Those at their end go to the node's flat and to the front. */
static bool count_children(struct heapprofile_tree *tree, uint32_t index) {
    const struct node *node = &tree->nodes[index];
    uint32_t end = node->first_item + node->item_count;
    tree->child_count = 0;
    for (uint32_t i = node->first_item; i < end; i++) {
        if (i + FETCH_AHEAD < tree->item_count)
            fetch_item(tree, &tree->items[i + FETCH_AHEAD]);
        uint32_t row = next_row(tree, &tree->items[i]);
        tree->child_of_item[i] = PROFILE_NONE;
        if (row == PROFILE_NONE) {
            add_item(tree, &tree->items[i], tree->flat + index * stride(tree));
            continue;
        }
        struct child *child = find_child(tree, row);
        if (!child)
            return false;
        child->count++;
        tree->child_of_item[i] = (uint32_t)(child - tree->children);
        add_item(tree, &tree->items[i], tree->child_values + (size_t)(child - tree->children) * stride(tree));
    }
    for (uint32_t i = 0; i < tree->child_count; i++)
        tree->children[i].weight = weigh(tree, tree->child_values + i * stride(tree));
    return true;
}

/* Moves the items of a node to their children, which are nodes now; `starts` is by child and counts on. Items of
 * children without a node stay behind. */
static void move_items(struct heapprofile_tree *tree, uint32_t index, uint32_t *starts) {
    const struct node *node = &tree->nodes[index];
    for (uint32_t i = node->first_item; i < node->first_item + node->item_count; i++) {
        if (tree->child_of_item[i] != PROFILE_NONE)
            tree->sorted[starts[tree->child_of_item[i]]++] = tree->items[i];
    }
}

/* Makes nodes of the children, as many as there is room for, and sorts the items. */
static bool add_children(struct heapprofile_tree *tree, uint32_t index) {
    struct node *node = &tree->nodes[index];
    uint32_t room = tree->most - tree->count, kept = tree->child_count < room ? tree->child_count : room;
    uint32_t *order = calloc((size_t)tree->child_count * 2 + 1, sizeof *order);
    if (!order)
        return false;
    uint32_t *starts = order + tree->child_count, next = node->first_item;
    for (uint32_t i = 0; i < tree->child_count; i++)
        order[i] = i;
    qsort_r(order, tree->child_count, sizeof *order, by_weight, tree->children);
    node->shown.first_child = tree->count;
    node->shown.child_count = kept;
    node->shown.folded = tree->child_count - kept;
    for (uint32_t i = 0; i < tree->child_count; i++) {
        const struct child *child = &tree->children[order[i]];
        starts[order[i]] = next;
        if (i < kept) {
            tree->nodes[tree->count] = (struct node){.shown = {.row = child->row, .parent = index},
                                                     .first_item = next,
                                                     .item_count = child->count,
                                                     .weight = child->weight};
            memcpy(tree->cum + tree->count * stride(tree), tree->child_values + order[i] * stride(tree),
                   stride(tree) * sizeof *tree->cum);
            max_heap_push(&tree->closed, tree->count, child->weight);
            tree->count++;
        }
        next += child->count;
    }
    move_items(tree, index, starts);
    memcpy(tree->items + node->first_item, tree->sorted + node->first_item,
           (next - node->first_item) * sizeof *tree->items);
    free(order);
    return true;
}

static bool open_node(struct heapprofile_tree *tree, uint32_t index) {
    bool ok = count_children(tree, index) && add_children(tree, index);
    for (uint32_t i = 0; i < tree->child_count; i++)
        tree->child_of_row[tree->children[i].row] = 0;
    return ok;
}

static int by_place(const void *a, const void *b, void *context) {
    const struct node *nodes = context;
    uint32_t x = nodes[((const struct max_heap_entry *)a)->number].first_item;
    uint32_t y = nodes[((const struct max_heap_entry *)b)->number].first_item;
    return x < y ? -1 : x > y;
}

/* When all room is taken the nodes that are still closed are opened too, for their flat and to count what is folded.
 * They get no nodes, so their order is free: that of their items in memory is the fastest by far. */
static bool open_rest(struct heapprofile_tree *tree) {
    bool ok = true;
    struct max_heap *closed = &tree->closed;
    qsort_r(closed->entries, closed->count, sizeof *closed->entries, by_place, tree->nodes);
    for (uint32_t i = 0; ok && i < closed->count; i++)
        ok = open_node(tree, closed->entries[i].number);
    closed->count = 0;
    return ok;
}

/* ---- the whole ---- */

static void fill_items(struct heapprofile_tree *tree) {
    const struct view *view = &tree->diff->view;
    uint32_t next = 0;
    for (uint32_t c = 0; c < view->column_count; c++) {
        for (uint32_t i = 0; i < view->columns[c].source->profile.sample_count; i++) {
            const struct profile_sample *sample = &view->columns[c].source->profile.samples[i];
            uint32_t count = sample->location_count, skip = tree->is_inverted || !count ? 0 : count - 1;
            tree->items[next] =
                (struct item){.column = c, .sample = i, .next = sample->first_location + skip, .left = count};
            add_item(tree, &tree->items[next++], tree->cum);
        }
    }
    tree->nodes[0] = (struct node){.item_count = next, .weight = 1};
    tree->count = 1;
    max_heap_push(&tree->closed, 0, 1);
}

static bool allocate(struct heapprofile_tree *tree) {
    const struct view *view = &tree->diff->view;
    uint64_t items = 0, rows = view->rows.count;
    for (size_t c = 0; c < view->column_count; c++)
        items += view->columns[c].source->profile.sample_count;
    if (items >= UINT32_MAX)
        return false;
    tree->item_count = (uint32_t)items;
    tree->nodes = calloc(tree->most, sizeof *tree->nodes);
    tree->flat = calloc(tree->most * stride(tree) + 1, sizeof *tree->flat);
    tree->cum = calloc(tree->most * stride(tree) + 1, sizeof *tree->cum);
    tree->closed.entries = calloc(tree->most, sizeof *tree->closed.entries);
    tree->items = calloc(items + 1, sizeof *tree->items);
    tree->sorted = calloc(items + 1, sizeof *tree->sorted);
    tree->child_of_item = calloc(items + 1, sizeof *tree->child_of_item);
    tree->child_of_row = calloc(rows + 1, sizeof *tree->child_of_row);
    return tree->nodes && tree->flat && tree->cum && tree->closed.entries && tree->items && tree->sorted &&
           tree->child_of_item && tree->child_of_row;
}

/* What only growing needs. */
static void free_scratch(struct heapprofile_tree *tree) {
    free(tree->closed.entries);
    free(tree->items);
    free(tree->sorted);
    free(tree->child_of_item);
    free(tree->child_of_row);
    free(tree->children);
    free(tree->child_values);
    tree->closed = (struct max_heap){0};
    tree->child_of_item = tree->child_of_row = NULL;
    tree->items = tree->sorted = NULL;
    tree->children = NULL;
    tree->child_values = NULL;
}

void heapprofile_tree_free(struct heapprofile_tree *tree) {
    if (!tree)
        return;
    free_scratch(tree);
    free(tree->nodes);
    free(tree->flat);
    free(tree->cum);
    free(tree);
}

struct heapprofile_tree *heapprofile_tree(struct heapprofile_diff *diff, uint32_t most_nodes, bool is_inverted,
                                          struct heapprofile_error *error) {
    enum heapprofile_by by = diff->view.rows.by;
    if (by == HEAPPROFILE_BY_STACK || by == HEAPPROFILE_BY_LABEL) {
        source_fail(error, "a call tree is made of functions, lines, files, packages or mappings");
        return NULL;
    }
    struct heapprofile_tree *tree = calloc(1, sizeof *tree);
    if (tree)
        *tree = (struct heapprofile_tree){.diff = diff, .is_inverted = is_inverted, .most = most_nodes + !most_nodes};
    bool ok = tree && allocate(tree);
    if (ok)
        fill_items(tree);
    while (ok && tree->closed.count && tree->count < tree->most)
        ok = open_node(tree, max_heap_pop(&tree->closed));
    ok = ok && open_rest(tree);
    if (ok) {
        free_scratch(tree);
        return tree;
    }
    heapprofile_tree_free(tree);
    source_fail(error, "out of memory");
    return NULL;
}

uint32_t heapprofile_tree_nodes(const struct heapprofile_tree *tree) { return tree->count; }

struct heapprofile_node heapprofile_tree_node(const struct heapprofile_tree *tree, uint32_t node) {
    return tree->nodes[node].shown;
}

void heapprofile_tree_values(const struct heapprofile_tree *tree, uint32_t node, uint32_t view,
                             enum heapprofile_measure measure, int64_t values[HEAPPROFILE_SIDES]) {
    const int64_t *sums = (measure == HEAPPROFILE_CUM ? tree->cum : tree->flat) + node * stride(tree);
    for (enum heapprofile_side side = HEAPPROFILE_OLD; side < HEAPPROFILE_SIDES; side++) {
        int64_t sum = sums[view * HEAPPROFILE_SIDES + side];
        values[side] = tree->diff->runs[side] > 1 ? compare_mean(tree->diff, side, (double)sum) : sum;
    }
}
