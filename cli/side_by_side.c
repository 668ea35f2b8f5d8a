/* One column a view, of changes or of the values of one profile. A terminal of AMPLE_WIDTH has room for OLD and NEW
 * beside each change. A pipe gets the narrow form: its lines end up in mails and logs.
 *
 *       alloc     inuse
 *       space     space  FUNCTION
 *     +42.0Mi   +7.50Mi  cache_insert  src/cache.c:88
 *
 * Locks: none. Allocates with malloc. */
#include "cli/side_by_side.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/grid.h"
#include "cli/table.h"
#include "cli/title.h"

enum { AMPLE_WIDTH = 150, CELLS = 3, CHOSEN_EXPENSE = 0 };

struct board {
    const struct summary *summary;
    struct selection selection;
    bool is_wide; /* three cells a view */
    unsigned views;
    char rest[TABLE_REST_SIZE], brief[TABLE_REST_SIZE];
};

/* "inuse_space" in two lines, "inuse" and "space"; what is short stays in one. Heads are cells, whose columns are
 * bytes, so what is not ASCII in a name is replaced. */
static void split_name(const char *name, char upper[QUANTITY_SIZE], char lower[QUANTITY_SIZE]) {
    enum { MOST_WHOLE = 8 };
    char clean[2 * QUANTITY_SIZE - 1];
    text_clean(clean, sizeof clean, name);
    for (char *p = clean; *p; p++)
        *p = *p & 0x80 ? '?' : *p;
    char *cut = strlen(clean) > MOST_WHOLE ? strrchr(clean, '_') : NULL;
    if (cut)
        *cut = 0;
    snprintf(upper, QUANTITY_SIZE, "%.*s", QUANTITY_SIZE - 1, cut ? clean : "");
    snprintf(lower, QUANTITY_SIZE, "%.*s", QUANTITY_SIZE - 1, cut ? cut + 1 : clean);
}

/* The view that was chosen is never left out; of the others the last go first. */
static void add_columns(const struct board *board, struct grid *grid) {
    char upper[QUANTITY_SIZE], lower[QUANTITY_SIZE];
    for (uint32_t i = 0; i < board->views; i++) {
        unsigned expense = i == board->summary->view ? CHOSEN_EXPENSE : i + 1;
        split_name(heapprofile_diff_view(board->summary->diff, i).name, upper, lower);
        if (board->is_wide) {
            grid_add(grid, "", "OLD", expense + 2 * GRID_COLUMNS, false);
            grid_add(grid, upper, "NEW", expense + GRID_COLUMNS, false);
            grid_add(grid, lower, "DELTA", expense, true);
        } else {
            grid_add(grid, upper, lower, expense, summary_is_diff(board->summary));
        }
    }
}

static void fill_change(const struct board *board, uint32_t view, const struct heapprofile_change *change,
                        struct grid_line *line) {
    enum quantity_kind kind = quantity_kind_of(heapprofile_diff_view(board->summary->diff, view).unit);
    unsigned at = board->is_wide ? view * CELLS : view, delta = board->is_wide ? at + CELLS - 1 : at;
    bool is_diff = summary_is_diff(board->summary), is_noise = change->verdict == HEAPPROFILE_NOISE;
    if (board->is_wide) {
        quantity_format(line->cells[at], kind, change->before, false);
        quantity_format(line->cells[at + 1], kind, change->after, false);
    }
    if (is_noise)
        strcpy(line->cells[delta], "~");
    else
        quantity_format(line->cells[delta], kind, change->delta, is_diff);
    line->signs[delta] = (signed char)(is_noise ? 0 : change->delta > 0 ? 1 : change->delta < 0 ? -1 : 0);
}

static void fill(void *context, size_t index, struct grid_line *line) {
    const struct board *board = context;
    const struct summary *summary = board->summary;
    const struct selection *selection = &board->selection;
    if (index == selection->count && selection->rest) {
        line->name = board->rest;
        line->brief = board->brief;
        return;
    }
    bool is_row = index < selection->count;
    line->name = "TOTAL";
    if (is_row) {
        struct heapprofile_row row = heapprofile_diff_row(summary->diff, selection->rows[index]);
        grid_name(line, &row);
    }
    for (uint32_t view = 0; view < board->views; view++) {
        struct heapprofile_change change =
            is_row ? heapprofile_diff_change(summary->diff, selection->rows[index], view, summary->measure)
                   : heapprofile_diff_total(summary->diff, view);
        fill_change(board, view, &change, line);
    }
}

bool side_by_side_print(const struct summary *summary, const struct term *term, FILE *out,
                        struct heapprofile_error *error) {
    struct grid grid = {.term = term, .out = out, .name_head = summary_head(summary)};
    struct board board = {.summary = summary, .views = summary->views};
    (void)error;
    if (board.views > GRID_COLUMNS / CELLS)
        board.views = GRID_COLUMNS / CELLS;
    board.is_wide = summary_is_diff(summary) && term->width >= AMPLE_WIDTH;
    if (!summary_select(summary, &board.selection))
        return false;
    table_bracket_rest(summary, &board.selection, board.rest, board.brief);
    add_columns(&board, &grid);
    title_print(summary, term, out);
    bool ok = grid_print(&grid, board.selection.count + (board.selection.rest != 0) + 1, fill, &board);
    free(board.selection.rows);
    return ok;
}
