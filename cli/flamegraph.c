/* The page's data is one JSON object: names, files and what is known of the comparison as JSON, all numbers as bytes in
 * base64, because a tree of 100,000 nodes has a million of them.
 *
 *   1. rows that have a value in any view get numbers of their own, in the order of the first view shown, the greatest
 *      first: frequent rows are short numbers
 *   2. a row is its file, its line and for each view the flat and cum amounts that are not 0
 *   3. a tree is its nodes in preorder, each with its own amounts, which are 0 but where a stack ends; the page adds
 *      them up. What is folded is a node of row 0
 *
 * cli/assets/flame_model.js reads what is written here. Locks: none. Allocates with malloc. */
#include "cli/flamegraph.h"

#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"
#include "cli/page.h"
#include "cli/title.h"

enum {
    SCHEMA = 1,
    MOST_NODES = 100000,
    MOST_VIEWS = 15, /* two bits each in a mask that the page's arithmetic can hold */
    NO_NUMBER = UINT32_MAX
};

struct writer {
    const struct summary *summary;
    struct heapprofile_error *error;
    uint32_t views, view; /* how many are written, and which is shown first */
    uint32_t *numbers;    /* by row: its number in the page, or NO_NUMBER */
    uint32_t *rows;       /* the same, the other way round */
    uint32_t row_count;
    struct heapprofile_tree *trees[2]; /* callees, callers */
};

static bool fail(struct heapprofile_error *error) {
    snprintf(error->text, sizeof error->text, "out of memory");
    return false;
}

/* ---- rows ---- */

static bool add_ranked(struct writer *writer, uint32_t view, enum heapprofile_measure measure) {
    uint32_t count;
    const uint32_t *order = heapprofile_diff_rank(writer->summary->diff, view, measure, &count);
    if (!order)
        return fail(writer->error);
    for (uint32_t i = 0; i < count; i++) {
        if (writer->numbers[order[i]] != NO_NUMBER)
            continue;
        writer->numbers[order[i]] = writer->row_count;
        writer->rows[writer->row_count++] = order[i];
    }
    return true;
}

/* Rows that are 0 in all views still may be frames on the way to what is not. */
static bool number_rows(struct writer *writer) {
    uint32_t count = heapprofile_diff_rows(writer->summary->diff);
    writer->numbers = calloc((size_t)count + 1, sizeof *writer->numbers);
    writer->rows = calloc((size_t)count + 1, sizeof *writer->rows);
    if (!writer->numbers || !writer->rows)
        return fail(writer->error);
    memset(writer->numbers, 0xff, count * sizeof *writer->numbers);
    if (!add_ranked(writer, writer->view, HEAPPROFILE_CUM))
        return false;
    for (uint32_t view = 0; view < writer->views; view++)
        if (!add_ranked(writer, view, HEAPPROFILE_CUM))
            return false;
    for (uint32_t row = 0; row < count; row++) {
        if (writer->numbers[row] == NO_NUMBER) {
            writer->numbers[row] = writer->row_count;
            writer->rows[writer->row_count++] = row;
        }
    }
    return true;
}

struct file_number {
    const char *file;
    uint32_t row, number;
};

static int by_file(const void *a, const void *b) {
    const struct file_number *x = a, *y = b;
    return strcmp(x->file, y->file);
}

static int by_row(const void *a, const void *b) {
    const struct file_number *x = a, *y = b;
    return x->row < y->row ? -1 : x->row > y->row;
}

/* The list of different files; afterwards `files` is by number of the row. */
static void print_files(struct file_number *files, uint32_t count, FILE *out) {
    uint32_t next = 0;
    qsort(files, count, sizeof *files, by_file);
    fputs("[", out);
    for (uint32_t i = 0; i < count; i++) {
        bool is_same = i && strcmp(files[i].file, files[i - 1].file) == 0;
        if (!is_same) {
            fputs(next ? "," : "", out);
            page_print_json(files[i].file, out);
        }
        next += !is_same;
        files[i].number = next - 1;
    }
    fputs("]", out);
    qsort(files, count, sizeof *files, by_row);
}

static bool print_row_values(struct writer *writer, struct page_numbers *numbers, uint32_t row) {
    bool is_judged = false;
    for (uint32_t view = 0; view < writer->views; view++) {
        unsigned mask = 0;
        int64_t values[4];
        for (enum heapprofile_measure measure = HEAPPROFILE_FLAT; measure < HEAPPROFILE_MEASURES; measure++) {
            struct heapprofile_change change = heapprofile_diff_change(writer->summary->diff, row, view, measure);
            values[measure] = change.before;
            values[2 + measure] = change.after;
            mask |= (change.before ? 1u : 0) << measure * 2 | (change.after ? 2u : 0) << measure * 2;
            mask |= (change.verdict == HEAPPROFILE_NOISE ? 16u : 0) << measure;
            is_judged |= change.verdict == HEAPPROFILE_NOISE || change.verdict == HEAPPROFILE_CHANGED;
        }
        page_print_unsigned(numbers, mask);
        for (unsigned side = 0; side < 2; side++)
            for (unsigned measure = 0; measure < 2; measure++)
                if (mask & 1u << (measure * 2 + side))
                    page_print_signed(numbers, values[side * 2 + measure]);
    }
    return is_judged;
}

/* Rows that are thought to have had another name in OLD: number, that name, likeness. */
static void print_renamed(struct writer *writer, FILE *out) {
    const char *separator = "";
    fputs(",\n\"renamed\":[", out);
    for (uint32_t i = 0; i < writer->row_count; i++) {
        struct heapprofile_row row = heapprofile_diff_row(writer->summary->diff, writer->rows[i]);
        if (!row.old_name)
            continue;
        fprintf(out, "%s[%u,", separator, i);
        page_print_json(row.old_name, out);
        fprintf(out, ",%.3f]", row.likeness);
        separator = ",";
    }
    fputs("]", out);
}

static bool print_rows(struct writer *writer, FILE *out) {
    struct file_number *files = calloc((size_t)writer->row_count + 1, sizeof *files);
    if (!files)
        return fail(writer->error);
    fputs(",\n\"names\":[", out);
    for (uint32_t i = 0; i < writer->row_count; i++) {
        struct heapprofile_row row = heapprofile_diff_row(writer->summary->diff, writer->rows[i]);
        fputs(i ? "," : "", out);
        page_print_json(row.name, out);
        files[i] = (struct file_number){.file = row.has_other_files ? "[several files]" : row.file, .row = i};
    }
    fputs("]", out);
    print_renamed(writer, out);
    fputs(",\n\"files\":", out);
    print_files(files, writer->row_count, out);
    fputs(",\n\"rows\":\"", out);
    struct page_numbers numbers;
    bool is_judged = false;
    page_begin_numbers(&numbers, out);
    for (uint32_t i = 0; i < writer->row_count; i++) {
        struct heapprofile_row row = heapprofile_diff_row(writer->summary->diff, writer->rows[i]);
        page_print_unsigned(&numbers, files[i].number);
        page_print_signed(&numbers, row.has_other_files ? 0 : row.line);
        is_judged |= print_row_values(writer, &numbers, writer->rows[i]);
    }
    page_end_numbers(&numbers);
    fprintf(out, "\",\n\"noise\":%s", is_judged ? "true" : "false");
    free(files);
    return true;
}

/* ---- trees ---- */

/* The comparison is only read by this, so both trees may grow at a time. */
static void grow_tree(void *context, size_t index) {
    struct writer *writer = context;
    struct heapprofile_error error;
    writer->trees[index] = heapprofile_tree(writer->summary->diff, MOST_NODES, index == 1, &error);
    if (!writer->trees[index] && index == 0)
        *writer->error = error;
}

static void print_amounts(struct page_numbers *numbers, uint32_t views, const int64_t (*values)[HEAPPROFILE_SIDES]) {
    uint64_t mask = 0;
    for (uint32_t i = 0; i < views * HEAPPROFILE_SIDES; i++)
        mask |= (uint64_t)(values[i / 2][i % 2] != 0) << i;
    page_print_unsigned(numbers, mask);
    for (uint32_t i = 0; i < views * HEAPPROFILE_SIDES; i++)
        if (mask >> i & 1)
            page_print_signed(numbers, values[i / 2][i % 2]);
}

/* What is in the node's cum and in none of its children's. */
static void subtract_children(const struct heapprofile_tree *tree, uint32_t views, uint32_t index,
                              int64_t (*values)[HEAPPROFILE_SIDES]) {
    struct heapprofile_node node = heapprofile_tree_node(tree, index);
    for (uint32_t view = 0; view < views; view++) {
        int64_t part[HEAPPROFILE_SIDES];
        heapprofile_tree_values(tree, index, view, HEAPPROFILE_CUM, values[view]);
        heapprofile_tree_values(tree, index, view, HEAPPROFILE_FLAT, part);
        for (uint32_t child = node.first_child;; child++) {
            for (unsigned side = 0; side < HEAPPROFILE_SIDES; side++)
                values[view][side] = (int64_t)((uint64_t)values[view][side] - (uint64_t)part[side]);
            if (child == node.first_child + node.child_count)
                break;
            heapprofile_tree_values(tree, child, view, HEAPPROFILE_CUM, part);
        }
    }
}

/* Nodes in preorder, each child list followed by the node of what is folded. Depth is the number of `up` of the next
 * node if it is a child of the root. Returns the number of nodes written. */
static uint32_t print_nodes(struct writer *writer, const struct heapprofile_tree *tree, struct page_numbers *numbers) {
    int64_t values[MOST_VIEWS][HEAPPROFILE_SIDES];
    uint32_t count = 0, up = 0, index = 0;
    for (;;) {
        struct heapprofile_node node = heapprofile_tree_node(tree, index);
        if (index) {
            page_print_unsigned(numbers, up);
            page_print_unsigned(numbers, (uint64_t)writer->numbers[node.row] + 1);
            for (uint32_t view = 0; view < writer->views; view++)
                heapprofile_tree_values(tree, index, view, HEAPPROFILE_FLAT, values[view]);
            print_amounts(numbers, writer->views, (const int64_t(*)[HEAPPROFILE_SIDES])values);
            count++;
        }
        up = 0;
        if (node.child_count) {
            index = node.first_child;
            continue;
        }
        /* Up to where a sibling follows; a node of what is folded is the last of each list. */
        for (bool is_done = false; !is_done;) {
            node = heapprofile_tree_node(tree, index);
            if (node.folded) {
                subtract_children(tree, writer->views, index, values);
                page_print_unsigned(numbers, up);
                page_print_unsigned(numbers, 0);
                page_print_unsigned(numbers, node.folded);
                print_amounts(numbers, writer->views, (const int64_t(*)[HEAPPROFILE_SIDES])values);
                count++;
                up = 1;
            }
            if (!index)
                return count;
            struct heapprofile_node parent = heapprofile_tree_node(tree, node.parent);
            is_done = index + 1 < parent.first_child + parent.child_count;
            index = is_done ? index + 1 : node.parent;
            up++;
        }
    }
}

static void print_tree(struct writer *writer, const char *name, const struct heapprofile_tree *tree, FILE *out) {
    struct page_numbers numbers;
    fprintf(out, ",\n\"%s\":{\"nodes\":\"", name);
    page_begin_numbers(&numbers, out);
    uint32_t count = print_nodes(writer, tree, &numbers);
    page_end_numbers(&numbers);
    fprintf(out, "\",\"count\":%u}", count);
}

/* ---- the page ---- */

static void print_side(const struct summary *summary, enum heapprofile_side side, FILE *out) {
    char paths[TITLE_PATHS_SIZE];
    fprintf(out, ",\n\"%s\":", side == HEAPPROFILE_OLD ? "old" : "new");
    if (summary->pair.runs[side].count)
        page_print_json(title_paths(summary, side, paths), out);
    else
        fputs("null", out);
}

static bool print_data(void *context, FILE *out) {
    struct writer *writer = context;
    const struct summary *summary = writer->summary;
    char facts[TITLE_FACTS_SIZE];
    fprintf(out, "{\"schema\":%d,\"view\":%u,\"by\":\"%s\",\"facts\":", SCHEMA, writer->view,
            summary_by_names[summary->by]);
    page_print_json(title_facts(summary, facts), out);
    print_side(summary, HEAPPROFILE_OLD, out);
    print_side(summary, HEAPPROFILE_NEW, out);
    fputs(",\n\"views\":[", out);
    for (uint32_t view = 0; view < writer->views; view++) {
        struct heapprofile_view shown = heapprofile_diff_view(summary->diff, view);
        fputs(view ? ",[" : "[", out);
        page_print_json(shown.name, out);
        fputs(",", out);
        page_print_json(shown.unit, out);
        fputs("]", out);
    }
    fputs("],\n\"total_is_noise\":[", out);
    for (uint32_t view = 0; view < writer->views; view++)
        fprintf(out, view ? ",%d" : "%d", heapprofile_diff_total(summary->diff, view).verdict == HEAPPROFILE_NOISE);
    fputs("]", out);
    bool ok = print_rows(writer, out);
    print_tree(writer, "callees", writer->trees[0], out);
    print_tree(writer, "callers", writer->trees[1], out);
    fputs("}\n", out);
    return ok;
}

static bool print_title(void *context, FILE *out) {
    const struct summary *summary = ((struct writer *)context)->summary;
    char paths[TITLE_PATHS_SIZE];
    if (summary_is_diff(summary)) {
        page_print_markup(title_paths(summary, HEAPPROFILE_OLD, paths), out);
        fputs(" \xe2\x86\x92 ", out);
    }
    page_print_markup(title_paths(summary, HEAPPROFILE_NEW, paths), out);
    fputs(" - heapdiff", out);
    return true;
}

bool flamegraph_print(const struct summary *summary, const struct term *term, FILE *out,
                      struct heapprofile_error *error) {
    (void)term;
    struct writer writer = {.summary = summary, .error = error};
    writer.views = summary->views < MOST_VIEWS ? summary->views : MOST_VIEWS;
    writer.view = summary->view < writer.views ? summary->view : 0;
    const struct page_filling fillings[] = {
        {"title", print_title, &writer}, {"data", print_data, &writer}, {NULL, NULL, NULL}};
    parallel_run(2, grow_tree, &writer);
    bool ok = writer.trees[0] && writer.trees[1] && number_rows(&writer) && page_write(page_flamegraph, fillings, out);
    heapprofile_tree_free(writer.trees[0]);
    heapprofile_tree_free(writer.trees[1]);
    free(writer.numbers);
    free(writer.rows);
    return ok;
}
