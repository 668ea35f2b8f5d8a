/* The library's tree is bounded by nodes, the text by lines, of which there are few:
 *
 *   1. a chain, calls of which each has one child and allocates nothing itself, is one line: "main > run > serve"
 *   2. lines are taken from the root down, always the one with the greatest change (of one profile, value) among those
 *      whose caller is there, until there are as many as rows are asked for
 *   3. what is below a line and was not taken is told in one line behind the others
 *
 * All numbers are cum: of the calls and all below them. Locks: none. Allocates with malloc. */
#include "cli/tree_text.h"

#include <stdlib.h>
#include <string.h>

#include "base/max_heap.h"
#include "base/wrap.h"
#include "cli/grid.h"
#include "cli/title.h"

enum { OLD, NEW, DELTA, PERCENT };
enum { LEAST_NODES = 4096, MOST_NODES = 1000 * 1000, NODES_A_LINE = 64, MOST_DEPTH = 1000, NAME_BYTES = 64 * 1024 };

/* One line of text: the chain from node `first` to node `last`, or what a line's node has below it besides. */
struct branch {
    uint32_t first, last;
    uint32_t depth;
    uint32_t others; /* > 0: so many children of `first` that have no line */
};

struct picture {
    const struct summary *summary;
    struct heapprofile_tree *tree;
    enum quantity_kind kind;
    uint64_t most;
    bool *is_taken;       /* by node: it begins a line */
    struct max_heap heap; /* nodes that could be taken */
    struct branch *lines;
    size_t count;
    char *name; /* NAME_BYTES */
};

static void values_of(const struct picture *picture, uint32_t node, int64_t values[HEAPPROFILE_SIDES]) {
    heapprofile_tree_values(picture->tree, node, picture->summary->view, HEAPPROFILE_CUM, values);
}

static double weight_of(const struct picture *picture, uint32_t node) {
    int64_t values[HEAPPROFILE_SIDES];
    values_of(picture, node, values);
    return (double)wrap_magnitude(wrap_subtract(values[HEAPPROFILE_NEW], values[HEAPPROFILE_OLD]));
}

/* The last node of the chain that begins with this one. */
static uint32_t end_of_chain(const struct picture *picture, uint32_t node) {
    for (;;) {
        struct heapprofile_node shown = heapprofile_tree_node(picture->tree, node);
        int64_t flat[HEAPPROFILE_SIDES];
        heapprofile_tree_values(picture->tree, node, picture->summary->view, HEAPPROFILE_FLAT, flat);
        if (shown.child_count != 1 || shown.folded || flat[HEAPPROFILE_OLD] || flat[HEAPPROFILE_NEW])
            return node;
        node = shown.first_child;
    }
}

static void push_children(struct picture *picture, uint32_t node) {
    struct heapprofile_node shown = heapprofile_tree_node(picture->tree, node);
    for (uint32_t i = 0; i < shown.child_count; i++)
        max_heap_push(&picture->heap, shown.first_child + i, weight_of(picture, shown.first_child + i));
}

/* A line is worth its room when something changed there; all are where all are asked for. */
static bool is_worth_it(const struct picture *picture, uint32_t node) {
    int64_t values[HEAPPROFILE_SIDES];
    values_of(picture, node, values);
    if (!picture->summary->most_rows || !summary_is_diff(picture->summary))
        return values[HEAPPROFILE_OLD] || values[HEAPPROFILE_NEW];
    return values[HEAPPROFILE_OLD] != values[HEAPPROFILE_NEW];
}

static void take_lines(struct picture *picture) {
    uint64_t taken = 0;
    push_children(picture, 0);
    while (picture->heap.count && taken < picture->most) {
        uint32_t node = max_heap_pop(&picture->heap);
        if (!is_worth_it(picture, node))
            continue;
        picture->is_taken[node] = true;
        taken++;
        push_children(picture, end_of_chain(picture, node));
    }
}

static int by_change(const void *a, const void *b, void *context) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    double p = weight_of(context, x), q = weight_of(context, y);
    if (p != q)
        return p > q ? -1 : 1;
    return x < y ? -1 : x > y;
}

/* What the children without a line add up to: the node's cum without its flat and that of the others. */
static void find_others(const struct picture *picture, uint32_t node, int64_t values[HEAPPROFILE_SIDES]) {
    struct heapprofile_node shown = heapprofile_tree_node(picture->tree, node);
    int64_t part[HEAPPROFILE_SIDES];
    values_of(picture, node, values);
    heapprofile_tree_values(picture->tree, node, picture->summary->view, HEAPPROFILE_FLAT, part);
    for (uint32_t i = 0;; i++) {
        for (int side = 0; side < HEAPPROFILE_SIDES; side++)
            values[side] = wrap_subtract(values[side], part[side]);
        while (i < shown.child_count && !picture->is_taken[shown.first_child + i])
            i++;
        if (i >= shown.child_count)
            return;
        values_of(picture, shown.first_child + i, part);
    }
}

/* Whether a line about the children that have none would tell something. */
static bool has_news(const struct picture *picture, uint32_t node) {
    int64_t values[HEAPPROFILE_SIDES];
    find_others(picture, node, values);
    return summary_is_diff(picture->summary) ? values[HEAPPROFILE_OLD] != values[HEAPPROFILE_NEW]
                                             : values[HEAPPROFILE_NEW] != 0;
}

/* Appends the lines below a node. */
static bool list_below(struct picture *picture, uint32_t node, uint32_t depth) {
    struct heapprofile_node shown = heapprofile_tree_node(picture->tree, node);
    uint32_t *children = calloc((size_t)shown.child_count + 1, sizeof *children), taken = 0, others = shown.folded;
    bool ok = children != NULL;
    for (uint32_t i = 0; ok && depth < MOST_DEPTH && i < shown.child_count; i++) {
        if (picture->is_taken[shown.first_child + i])
            children[taken++] = shown.first_child + i;
        else
            others++;
    }
    if (ok)
        qsort_r(children, taken, sizeof *children, by_change, picture);
    for (uint32_t i = 0; ok && i < taken; i++) {
        uint32_t last = end_of_chain(picture, children[i]);
        picture->lines[picture->count++] = (struct branch){.first = children[i], .last = last, .depth = depth};
        ok = list_below(picture, last, depth + 1);
    }
    if (ok && others && taken && has_news(picture, node))
        picture->lines[picture->count++] = (struct branch){.first = node, .depth = depth, .others = others};
    free(children);
    return ok;
}

static bool has_lines_below(const struct picture *picture, struct heapprofile_node node) {
    for (uint32_t i = 0; i < node.child_count; i++)
        if (picture->is_taken[node.first_child + i])
            return true;
    return false;
}

/* "main > run > serve", and " > .." behind it where more was called but nothing of it has a line. */
static void name_chain(const struct picture *picture, const struct branch *branch) {
    size_t used = 0;
    picture->name[0] = 0;
    for (uint32_t node = branch->first;; node = heapprofile_tree_node(picture->tree, node).first_child) {
        struct heapprofile_node shown = heapprofile_tree_node(picture->tree, node);
        struct heapprofile_row row = heapprofile_diff_row(picture->summary->diff, shown.row);
        used += (size_t)snprintf(picture->name + used, NAME_BYTES - used, "%s%s", node == branch->first ? "" : " > ",
                                 row.name);
        /* Places have no room in a chain, and lines of one function differ by nothing else. */
        if (picture->summary->by == HEAPPROFILE_BY_LINE && row.line && used < NAME_BYTES)
            used += (size_t)snprintf(picture->name + used, NAME_BYTES - used, ":%ld", (long)row.line);
        if (used >= NAME_BYTES)
            return;
        if (node == branch->last) {
            if ((shown.child_count || shown.folded) && !has_lines_below(picture, shown))
                snprintf(picture->name + used, NAME_BYTES - used, " > ..");
            return;
        }
    }
}

static void fill(void *context, size_t index, struct grid_line *line) {
    const struct picture *picture = context;
    const struct branch *branch = index < picture->count ? &picture->lines[index] : NULL;
    int64_t values[HEAPPROFILE_SIDES];
    line->name = picture->name;
    line->indent = branch ? branch->depth : 0;
    if (!branch) {
        strcpy(picture->name, "TOTAL");
        values_of(picture, 0, values);
    } else if (branch->others) {
        snprintf(picture->name, NAME_BYTES, "[%u %s]", branch->others, branch->others == 1 ? "other" : "others");
        find_others(picture, branch->first, values);
    } else {
        name_chain(picture, branch);
        values_of(picture, branch->last, values);
    }
    int64_t delta = wrap_subtract(values[HEAPPROFILE_NEW], values[HEAPPROFILE_OLD]);
    if (!summary_is_diff(picture->summary)) {
        int64_t whole =
            (int64_t)heapprofile_diff_magnitude(picture->summary->diff, HEAPPROFILE_NEW, picture->summary->view);
        quantity_format(line->cells[0], picture->kind, delta, false);
        quantity_share(line->cells[1], delta, whole);
        return;
    }
    quantity_format(line->cells[OLD], picture->kind, values[HEAPPROFILE_OLD], false);
    quantity_format(line->cells[NEW], picture->kind, values[HEAPPROFILE_NEW], false);
    quantity_format(line->cells[DELTA], picture->kind, delta, true);
    quantity_change(line->cells[PERCENT], values[HEAPPROFILE_OLD], values[HEAPPROFILE_NEW]);
    line->signs[DELTA] = line->signs[PERCENT] = (signed char)(delta > 0 ? 1 : delta < 0 ? -1 : 0);
}

static void add_columns(const struct picture *picture, struct grid *grid) {
    bool is_diff = summary_is_diff(picture->summary);
    grid_add(grid, "", is_diff ? "OLD" : "CUM", is_diff ? 1 : 0, false);
    grid_add(grid, "", is_diff ? "NEW" : "CUM%", is_diff ? 0 : 1, false);
    if (!is_diff)
        return;
    grid_add(grid, "", "DELTA", 0, true);
    grid_add(grid, "", "%", 2, true);
}

static bool draw(struct picture *picture, const struct term *term, FILE *out) {
    struct grid grid = {.term = term, .out = out, .name_head = "calls"};
    size_t nodes = heapprofile_tree_nodes(picture->tree);
    picture->is_taken = calloc(nodes, sizeof *picture->is_taken);
    picture->heap.entries = calloc(nodes, sizeof *picture->heap.entries);
    picture->lines = calloc(2 * nodes + 1, sizeof *picture->lines);
    picture->name = malloc(NAME_BYTES);
    bool ok = picture->is_taken && picture->heap.entries && picture->lines && picture->name;
    if (ok) {
        take_lines(picture);
        ok = list_below(picture, 0, 0);
    }
    if (ok) {
        title_print(picture->summary, term, out);
        add_columns(picture, &grid);
        ok = grid_print(&grid, picture->count + 1, fill, picture);
    }
    free(picture->is_taken);
    free(picture->heap.entries);
    free(picture->lines);
    free(picture->name);
    return ok;
}

bool tree_text_print(const struct summary *summary, const struct term *term, FILE *out,
                     struct heapprofile_error *error) {
    struct picture picture = {.summary = summary,
                              .most = summary->most_rows ? summary->most_rows : UINT64_MAX,
                              .kind = quantity_kind_of(heapprofile_diff_view(summary->diff, summary->view).unit)};
    uint64_t nodes = picture.most < MOST_NODES / NODES_A_LINE ? picture.most * NODES_A_LINE : MOST_NODES;
    picture.tree = heapprofile_tree(summary->diff, (uint32_t)(nodes < LEAST_NODES ? LEAST_NODES : nodes), false, error);
    bool ok = picture.tree && draw(&picture, term, out);
    heapprofile_tree_free(picture.tree);
    return ok;
}
