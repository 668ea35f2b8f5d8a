/* All lines are made twice, because the width of each column must be known before the first is printed:
 *
 *   1. measure: the widest cell of each column, and how wide the names are
 *   2. fit: leave out columns until at least LEAST_NAME columns of the terminal are left for names
 *   3. print
 *
 * Locks: none. Allocates with malloc. */
#include "cli/grid.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/columns.h"

enum { LEAST_CELL = 8, AMPLE_WIDTH = 100, GAP = 2, LEAST_NAME = 16, MOST_PADDING = 48, NAME_BYTES = 64 * 1024 };

static const char plus_color[] = "\033[31m", minus_color[] = "\033[32m", no_color[] = "\033[0m";
/* Text between them is laid out by itself: letters from right to left do not turn what is around them. */
static const char isolate[] = "\342\201\250", end_isolate[] = "\342\201\251";

void grid_add(struct grid *grid, const char *upper, const char *lower, unsigned expense, bool is_colored) {
    struct grid_column *column = &grid->columns[grid->count++];
    *column = (struct grid_column){.expense = expense, .is_colored = is_colored};
    snprintf(column->head[0], sizeof column->head[0], "%s", upper);
    snprintf(column->head[1], sizeof column->head[1], "%s", lower);
}

static void clear(struct grid_line *line) {
    for (unsigned i = 0; i < GRID_COLUMNS; i++) {
        line->cells[i][0] = 0;
        line->signs[i] = 0;
    }
    line->indent = 0;
    line->lead = line->name = line->brief = line->old_name = NULL;
    line->has_place = line->is_blank = false;
    line->place[0] = 0;
}

void grid_name(struct grid_line *line, const struct heapprofile_row *row) {
    line->name = row->name;
    line->old_name = row->old_name;
    line->likeness = row->likeness;
    line->has_place = true;
    summary_place(row, line->place);
}

/* Columns of the terminal before the name. */
static size_t count_before(const struct grid *grid) {
    size_t before = 0;
    for (unsigned i = 0; i < grid->count; i++)
        if (!grid->columns[i].is_out)
            before += grid->columns[i].width + GAP;
    return before;
}

/* Columns of a terminal that are left for name and place. */
static size_t count_room(const struct grid *grid) {
    size_t before = count_before(grid);
    return grid->term->width >= before + LEAST_NAME ? grid->term->width - before : LEAST_NAME;
}

static size_t find_indent(const struct grid *grid, const struct grid_line *line) {
    size_t most = grid->term->width ? count_room(grid) / 3 : SIZE_MAX, wanted = (size_t)line->indent * GAP;
    return wanted < most ? wanted : most;
}

/* Whole, into the grid's buffers. Returns the columns of the name. */
static size_t clean_name(const struct grid *grid, const struct grid_line *line) {
    size_t lead = line->lead ? strlen(line->lead) : 0;
    memcpy(grid->name, line->lead ? line->lead : "", lead);
    text_clean(grid->name + lead, NAME_BYTES - lead, line->name ? line->name : "");
    if (line->old_name) {
        size_t used = strlen(grid->name);
        text_clean(grid->place, NAME_BYTES, line->old_name);
        snprintf(grid->name + used, NAME_BYTES - used, " (was %s? %.0f%% alike)", grid->place, line->likeness * 100);
    }
    text_clean(grid->place, NAME_BYTES, line->place);
    return columns_count(grid->name);
}

/* Makes name and place fit into `room` columns: the name before the place. */
static size_t fit_name(const struct grid *grid, size_t columns, size_t room) {
    size_t place = columns_count(grid->place);
    if (!place || columns + 1 + place <= room)
        return columns <= room ? columns : term_shorten(grid->name, room);
    if (room >= LEAST_NAME + 1 + place)
        return term_shorten(grid->name, room - 1 - place);
    grid->place[0] = 0;
    return columns <= room ? columns : term_shorten(grid->name, room);
}

/* Sets are of names' columns, below 64. */
static void measure_line(struct grid *grid, const struct grid_line *line, uint64_t *names) {
    for (unsigned i = 0; i < grid->count; i++) {
        unsigned length = (unsigned)strlen(line->cells[i]);
        if (length > grid->columns[i].width)
            grid->columns[i].width = length;
    }
    size_t columns = line->has_place ? (size_t)line->indent * GAP + clean_name(grid, line) : SIZE_MAX;
    if (columns <= MOST_PADDING)
        *names |= UINT64_C(1) << columns;
}

static void fit_columns(struct grid *grid) {
    for (;;) {
        struct grid_column *most = NULL;
        for (unsigned i = 0; i < grid->count; i++) {
            struct grid_column *column = &grid->columns[i];
            if (!column->is_out && column->expense && (!most || column->expense >= most->expense))
                most = column;
        }
        if (!most || !grid->term->width || count_before(grid) + LEAST_NAME <= grid->term->width)
            return;
        most->is_out = true;
    }
}

static void measure(struct grid *grid, size_t lines, grid_fill fill, void *context, struct grid_line *line) {
    bool is_ample = !grid->term->width || grid->term->width >= AMPLE_WIDTH;
    uint64_t names = 0;
    for (unsigned i = 0; i < grid->count; i++) {
        struct grid_column *column = &grid->columns[i];
        column->width = is_ample ? LEAST_CELL : 0;
        for (unsigned k = 0; k < 2; k++)
            if (strlen(column->head[k]) > column->width)
                column->width = (unsigned)strlen(column->head[k]);
    }
    for (size_t i = 0; i < lines; i++) {
        clear(line);
        fill(context, i, line);
        measure_line(grid, line, &names);
    }
    fit_columns(grid);
    size_t most = MOST_PADDING;
    if (grid->term->width && count_room(grid) / 2 < most)
        most = count_room(grid) / 2;
    for (unsigned columns = 1; columns <= most; columns++)
        if (names >> columns & 1)
            grid->name_width = columns;
}

static void print_cells(const struct grid *grid, const struct grid_line *line) {
    bool is_first = true;
    for (unsigned i = 0; i < grid->count; i++) {
        const struct grid_column *column = &grid->columns[i];
        if (column->is_out)
            continue;
        bool is_colored = column->is_colored && line->signs[i] && grid->term->has_color;
        fprintf(grid->out, "%s%*s%s",
                !is_colored          ? ""
                : line->signs[i] > 0 ? plus_color
                                     : minus_color,
                (int)(column->width + (is_first ? 0 : GAP)), line->cells[i], is_colored ? no_color : "");
        is_first = false;
    }
}

static void print_text(const struct grid *grid, const char *text) {
    bool is_isolated = grid->term->has_isolates && columns_has_right_to_left(text);
    fprintf(grid->out, "%s%s%s", is_isolated ? isolate : "", text, is_isolated ? end_isolate : "");
}

static void print_line(const struct grid *grid, const struct grid_line *line) {
    size_t indent = find_indent(grid, line), room = SIZE_MAX, columns = clean_name(grid, line);
    if (grid->term->width) {
        room = count_room(grid) - indent;
        if (line->brief && columns > room)
            columns = text_clean(grid->name, NAME_BYTES, line->brief);
        columns = fit_name(grid, columns, room);
    }
    if (!line->is_blank) {
        print_cells(grid, line);
        fprintf(grid->out, "%*s", (int)indent + GAP, "");
        print_text(grid, grid->name);
    }
    if (*grid->place) {
        size_t place = columns_count(grid->place), padded = grid->name_width > indent ? grid->name_width - indent : 0;
        if (room != SIZE_MAX && padded + 1 + place > room)
            padded = room - 1 - place;
        fprintf(grid->out, "%*s", (int)(columns < padded ? padded - columns + 1 : 1), "");
        print_text(grid, grid->place);
    }
    fputc('\n', grid->out);
}

static void print_heads(const struct grid *grid, struct grid_line *line) {
    bool has_upper = false;
    for (unsigned i = 0; i < grid->count; i++)
        has_upper |= grid->columns[i].head[0][0] != 0;
    for (unsigned k = !has_upper; k < 2; k++) {
        clear(line);
        for (unsigned i = 0; i < grid->count; i++)
            strcpy(line->cells[i], grid->columns[i].head[k]);
        print_cells(grid, line);
        fprintf(grid->out, "%*s", k ? GAP : 0, "");
        text_clean(grid->name, NAME_BYTES, k ? grid->name_head : "");
        for (char *p = grid->name; *p; p++)
            *p = (char)(*p >= 'a' && *p <= 'z' ? *p - 'a' + 'A' : *p);
        if (grid->term->width)
            term_shorten(grid->name, count_room(grid));
        fputs(grid->name, grid->out);
        fputc('\n', grid->out);
    }
}

bool grid_print(struct grid *grid, size_t lines, grid_fill fill, void *context) {
    struct grid_line *line = malloc(sizeof *line);
    grid->name = malloc(NAME_BYTES);
    grid->place = malloc(NAME_BYTES);
    bool ok = line && grid->name && grid->place;
    if (ok) {
        measure(grid, lines, fill, context, line);
        print_heads(grid, line);
        for (size_t i = 0; i < lines; i++) {
            clear(line);
            fill(context, i, line);
            print_line(grid, line);
        }
    }
    free(line);
    free(grid->name);
    free(grid->place);
    return ok;
}
