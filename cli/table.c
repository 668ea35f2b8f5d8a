/* The default answer:
 *
 *   inuse_space  old.pb.gz -> new.pb.gz   rate 512Ki, same process, 5m 0s apart     title
 *
 *        OLD      NEW     DELTA       %        95%  FUNCTION                        heads
 *     12.1Mi   19.6Mi   +7.50Mi    +62%  +-1.90Mi  cache_insert  src/cache.c:88     a row that changed
 *      640Ki    652Ki         ~                    log_append  src/log.c:7          one within sampling noise
 *                                                  [41 others: +210Ki]              rest
 *     14.9Mi   22.8Mi   +7.94Mi    +53%  +-2.30Mi  TOTAL                            total
 *
 * The interval's column is there where an interval is. The sign carries the meaning, colour repeats it.
 * Locks: none. Allocates with malloc. */
#include "cli/table.h"

#include <stdlib.h>
#include <string.h>

#include "base/wrap.h"
#include "cli/grid.h"
#include "cli/title.h"

enum { OLD, NEW, DELTA, PERCENT, INTERVAL };
enum { FLAT, FLAT_SHARE, CUM, CUM_SHARE };

struct table {
    const struct summary *summary;
    struct selection selection;
    enum quantity_kind kind;
    bool has_intervals;
    char rest[TABLE_REST_SIZE], brief[TABLE_REST_SIZE];
};

static void fill_change(const struct table *table, const struct heapprofile_change *change, bool is_total,
                        struct grid_line *line) {
    bool is_noise = change->verdict == HEAPPROFILE_NOISE;
    int64_t half;
    quantity_format(line->cells[OLD], table->kind, change->before, false);
    quantity_format(line->cells[NEW], table->kind, change->after, false);
    if (is_noise)
        strcpy(line->cells[DELTA], "~");
    else
        quantity_format(line->cells[DELTA], table->kind, change->delta, true);
    if (!is_noise)
        quantity_change(line->cells[PERCENT], change->before, change->after);
    if (table->has_intervals && (!is_noise || is_total) && change->verdict != HEAPPROFILE_SAME &&
        summary_half_interval(change, &half)) {
        char text[QUANTITY_SIZE];
        snprintf(line->cells[INTERVAL], QUANTITY_SIZE, "+-%.20s", quantity_format(text, table->kind, half, false));
    }
    int sign = is_noise ? 0 : change->delta > 0 ? 1 : change->delta < 0 ? -1 : 0;
    line->signs[DELTA] = line->signs[PERCENT] = (signed char)sign;
}

static void fill_values(const struct table *table, int64_t flat, int64_t cum, struct grid_line *line) {
    const struct summary *summary = table->summary;
    int64_t whole = (int64_t)heapprofile_diff_magnitude(summary->diff, HEAPPROFILE_NEW, summary->view);
    quantity_format(line->cells[FLAT], table->kind, flat, false);
    quantity_share(line->cells[FLAT_SHARE], flat, whole);
    quantity_format(line->cells[CUM], table->kind, cum, false);
    quantity_share(line->cells[CUM_SHARE], cum, whole);
}

static void fill_row(const struct table *table, uint32_t index, struct grid_line *line) {
    const struct summary *summary = table->summary;
    struct heapprofile_row row = heapprofile_diff_row(summary->diff, index);
    grid_name(line, &row);
    if (summary_is_diff(summary)) {
        struct heapprofile_change change = summary_change(summary, index);
        fill_change(table, &change, false, line);
    } else {
        fill_values(table, heapprofile_diff_change(summary->diff, index, summary->view, HEAPPROFILE_FLAT).after,
                    heapprofile_diff_change(summary->diff, index, summary->view, HEAPPROFILE_CUM).after, line);
    }
}

static void fill_total(const struct table *table, struct grid_line *line) {
    struct heapprofile_change total = heapprofile_diff_total(table->summary->diff, table->summary->view);
    line->name = "TOTAL";
    if (summary_is_diff(table->summary))
        fill_change(table, &total, true, line);
    else
        fill_values(table, total.after, total.after, line);
}

static void fill_rest(const struct table *table, struct grid_line *line) {
    line->name = table->rest;
    line->brief = table->brief;
}

static void fill(void *context, size_t index, struct grid_line *line) {
    const struct table *table = context;
    const struct selection *selection = &table->selection;
    if (index < selection->count)
        fill_row(table, selection->rows[index], line);
    else if (index == selection->count && selection->rest)
        fill_rest(table, line);
    else
        fill_total(table, line);
}

void table_describe_rest(const struct summary *summary, const struct selection *selection, char out[TABLE_REST_SIZE]) {
    char sum[QUANTITY_SIZE];
    enum quantity_kind kind = quantity_kind_of(heapprofile_diff_view(summary->diff, summary->view).unit);
    bool is_diff = summary_is_diff(summary);
    int used = snprintf(out, TABLE_REST_SIZE, "%zu %s", selection->rest, selection->rest == 1 ? "other" : "others");
    if (summary->measure != HEAPPROFILE_CUM)
        used += snprintf(out + used, TABLE_REST_SIZE - (size_t)used, ": %s",
                         quantity_format(sum, kind, selection->rest_sum, is_diff));
    if (is_diff && selection->rest_changed && selection->rest_changed < selection->rest)
        snprintf(out + used, TABLE_REST_SIZE - (size_t)used, ", %zu changed", selection->rest_changed);
}

void table_bracket_rest(const struct summary *summary, const struct selection *selection, char whole[TABLE_REST_SIZE],
                        char brief[TABLE_REST_SIZE]) {
    char text[TABLE_REST_SIZE];
    table_describe_rest(summary, selection, text);
    snprintf(whole, TABLE_REST_SIZE, "[%.*s]", TABLE_REST_SIZE - 4, text);
    snprintf(brief, TABLE_REST_SIZE, "[%.*s]", (int)strcspn(text, ":,"), text);
}

static bool find_intervals(const struct table *table) {
    const struct summary *summary = table->summary;
    int64_t half;
    struct heapprofile_change change = heapprofile_diff_total(summary->diff, summary->view);
    bool found = change.verdict != HEAPPROFILE_SAME && summary_half_interval(&change, &half);
    for (size_t i = 0; summary_is_diff(summary) && i < table->selection.count && !found; i++) {
        change = summary_change(summary, table->selection.rows[i]);
        found = change.verdict == HEAPPROFILE_CHANGED && summary_half_interval(&change, &half);
    }
    return found && summary_is_diff(summary);
}

static void add_columns(const struct table *table, struct grid *grid) {
    char percent[QUANTITY_SIZE];
    if (!summary_is_diff(table->summary)) {
        grid_add(grid, "", "FLAT", 0, false);
        grid_add(grid, "", "FLAT%", 1, false);
        grid_add(grid, "", "CUM", 2, false);
        grid_add(grid, "", "CUM%", 3, false);
        return;
    }
    grid_add(grid, "", "OLD", 1, false);
    grid_add(grid, "", "NEW", 0, false);
    grid_add(grid, "", "DELTA", 0, true);
    grid_add(grid, "", "%", 2, true);
    snprintf(percent, sizeof percent, "%.6g%%", table->summary->confidence * 100);
    if (table->has_intervals)
        grid_add(grid, "", percent, 3, false);
}

bool table_print(const struct summary *summary, const struct term *term, FILE *out, struct heapprofile_error *error) {
    struct grid grid = {.term = term, .out = out, .name_head = summary_head(summary)};
    struct table table = {.summary = summary,
                          .kind = quantity_kind_of(heapprofile_diff_view(summary->diff, summary->view).unit)};
    (void)error;
    if (!summary_select(summary, &table.selection))
        return false;
    table.has_intervals = find_intervals(&table);
    table_bracket_rest(summary, &table.selection, table.rest, table.brief);
    add_columns(&table, &grid);
    title_print(summary, term, out);
    bool ok = grid_print(&grid, table.selection.count + (table.selection.rest != 0) + 1, fill, &table);
    free(table.selection.rows);
    return ok;
}
