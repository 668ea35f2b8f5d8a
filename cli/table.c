/* The table is laid out twice: once to find how wide each column must be, once to print.
 *
 *   inuse_space  old.pb.gz -> new.pb.gz   rate 512Ki, same process, 5m 0s apart     title
 *
 *        OLD      NEW     DELTA       %  FUNCTION                                    heads
 *     12.1Mi   19.6Mi   +7.50Mi    +62%  cache_insert  src/cache.c:88                row: cells, name, place
 *                                        [41 others: +210Ki]                         rest
 *     14.9Mi   22.8Mi   +7.94Mi    +53%  TOTAL                                       total
 *
 * Names are cleaned of control characters always: a table is lines of text, wherever it goes. They are
 * shortened only on a terminal. The sign carries the meaning, colour repeats it. Locks: none. Allocates with
 * malloc. */
#include "cli/table.h"

#include <stdlib.h>
#include <string.h>

#include "cli/quantity.h"

enum { CELLS = 4, LEAST_CELL = 8, GAP = 2, LEAST_NAME = 16, MOST_PADDING = 48, NAME_BYTES = 64 * 1024 };

struct line {
    char cells[CELLS][QUANTITY_SIZE];
    int sign; /* of the change: colour */
};

struct layout {
    const struct summary *summary;
    const struct term *term;
    FILE *out;
    enum quantity_kind kind;
    unsigned width[CELLS];
    unsigned name_width;  /* padding of the name column */
    size_t shown;         /* rows */
    char *name, *place;   /* NAME_BYTES each */
    const char *tails[3]; /* colours: plus, minus, end */
};

static bool is_diff(const struct layout *layout) { return layout->summary->rule.is_diff; }

static void fill_diff(const struct layout *layout, int64_t before, int64_t after, struct line *line) {
    int64_t delta = quantity_subtract(after, before);
    quantity_format(line->cells[0], layout->kind, before, false);
    quantity_format(line->cells[1], layout->kind, after, false);
    quantity_format(line->cells[2], layout->kind, delta, true);
    quantity_change(line->cells[3], before, after);
    line->sign = delta > 0 ? 1 : delta < 0 ? -1 : 0;
}

static void fill_single(const struct layout *layout, int64_t flat, int64_t cum, struct line *line) {
    int64_t whole = (int64_t)layout->summary->view->magnitude[VIEW_NEW];
    quantity_format(line->cells[0], layout->kind, flat, false);
    quantity_share(line->cells[1], flat, whole);
    quantity_format(line->cells[2], layout->kind, cum, false);
    quantity_share(line->cells[3], cum, whole);
    line->sign = 0;
}

static void fill_row(const struct layout *layout, const struct view_row *row, struct line *line) {
    const int64_t *values = layout->summary->rule.by_cum ? row->cum : row->flat;
    if (is_diff(layout))
        fill_diff(layout, values[VIEW_OLD], values[VIEW_NEW], line);
    else
        fill_single(layout, row->flat[VIEW_NEW], row->cum[VIEW_NEW], line);
}

static void fill_total(const struct layout *layout, struct line *line) {
    const int64_t *total = layout->summary->view->total;
    if (is_diff(layout))
        fill_diff(layout, total[VIEW_OLD], total[VIEW_NEW], line);
    else
        fill_single(layout, total[VIEW_NEW], total[VIEW_NEW], line);
}

/* A diff shows what changed; rows that did not are counted among the others, unless all rows are asked for.
 */
static size_t count_shown(const struct layout *layout) {
    const struct summary *summary = layout->summary;
    if (!summary->most_rows)
        return summary->rank.count;
    size_t shown = 0;
    for (; shown < summary->rank.count && shown < summary->most_rows; shown++) {
        const struct view_row *row = &summary->view->rows[summary->rank.order[shown]];
        const int64_t *values = summary->rule.by_cum ? row->cum : row->flat;
        if (is_diff(layout) && values[VIEW_OLD] == values[VIEW_NEW])
            break;
    }
    return shown;
}

/* The last two parts of a path tell a reader what he needs; JSON has the whole. */
static const char *shorten_path(const char *path) {
    const char *slash = strrchr(path, '/');
    while (slash && slash > path && slash[-1] != '/')
        slash--;
    return slash && slash > path ? slash : path;
}

/* Columns of a terminal that are left for name and place. */
static size_t count_room(const struct layout *layout) {
    unsigned before = CELLS * GAP;
    for (int i = 0; i < CELLS; i++)
        before += layout->width[i];
    return layout->term->width > before + LEAST_NAME ? layout->term->width - before : LEAST_NAME;
}

/* Name and place of a row into the layout's buffers; returns the name's columns. */
static size_t fill_texts(const struct layout *layout, uint32_t index) {
    const struct view_row *row = &layout->summary->view->rows[index];
    const char *name = view_name(layout->summary->view, index);
    size_t columns = term_clean(layout->name, NAME_BYTES, name ? name : "");
    char place[4096 + 32];
    place[0] = 0;
    if (row->has_other_files)
        snprintf(place, sizeof place, "[several files]");
    else if (*row->file && row->line)
        snprintf(place, sizeof place, "%.4000s:%ld", shorten_path(row->file), (long)row->line);
    else if (*row->file)
        snprintf(place, sizeof place, "%.4000s", shorten_path(row->file));
    term_clean(layout->place, NAME_BYTES, place);
    if (layout->term->width) {
        size_t room = count_room(layout);
        size_t place_columns = strlen(layout->place);
        if (place_columns && columns + 1 + place_columns > room && room >= LEAST_NAME + 1 + place_columns)
            columns = term_shorten(layout->name, room - 1 - place_columns);
        else if (columns + 1 + place_columns > room) {
            layout->place[0] = 0;
            columns = term_shorten(layout->name, room);
        }
    }
    return columns;
}

static void widen(struct layout *layout, const struct line *line) {
    for (int i = 0; i < CELLS; i++) {
        unsigned length = (unsigned)strlen(line->cells[i]);
        if (length > layout->width[i])
            layout->width[i] = length;
    }
}

static void print_cells(const struct layout *layout, const struct line *line) {
    const char *color = line->sign && layout->term->has_color ? layout->tails[line->sign > 0 ? 0 : 1] : "";
    for (int i = 0; i < CELLS; i++) {
        bool is_colored = *color && i >= 2;
        fprintf(layout->out, "%s%*s%s", is_colored ? color : "", (int)(layout->width[i] + GAP * (i > 0)),
                line->cells[i], is_colored ? layout->tails[2] : "");
    }
    fprintf(layout->out, "%*s", GAP, "");
}

static void print_row(const struct layout *layout, uint32_t index) {
    struct line line;
    fill_row(layout, &layout->summary->view->rows[index], &line);
    size_t columns = fill_texts(layout, index);
    print_cells(layout, &line);
    fputs(layout->name, layout->out);
    if (*layout->place) {
        size_t place = strlen(layout->place), padded = layout->name_width;
        if (layout->term->width && padded + 1 + place > count_room(layout))
            padded = count_room(layout) - 1 - place;
        fprintf(layout->out, "%*s%s", (int)(columns < padded ? padded - columns + 1 : 1), "", layout->place);
    }
    fputc('\n', layout->out);
}

static void print_heads(const struct layout *layout) {
    static const char *const diff_heads[CELLS] = {"OLD", "NEW", "DELTA", "%"};
    static const char *const single_heads[CELLS] = {"FLAT", "FLAT%", "CUM", "CUM%"};
    static const char *const name_heads[] = {[VIEW_FUNCTION] = "FUNCTION",
                                             [VIEW_LINE] = "LINE",
                                             [VIEW_FILE] = "FILE",
                                             [VIEW_MAPPING] = "MAPPING",
                                             [VIEW_STACK] = "STACK"};
    struct line line = {.sign = 0};
    for (int i = 0; i < CELLS; i++)
        strcpy(line.cells[i], is_diff(layout) ? diff_heads[i] : single_heads[i]);
    print_cells(layout, &line);
    fprintf(layout->out, "%s\n", name_heads[layout->summary->view->by]);
}

/* What the rows below the last one add up to; sums of cum mean nothing. */
static void print_rest(const struct layout *layout) {
    const struct summary *summary = layout->summary;
    size_t rest = summary->rank.count - layout->shown;
    if (!rest)
        return;
    int64_t sum = 0;
    for (size_t i = layout->shown; i < summary->rank.count; i++) {
        const struct view_row *row = &summary->view->rows[summary->rank.order[i]];
        sum = quantity_add(sum, quantity_subtract(row->flat[VIEW_NEW], row->flat[VIEW_OLD]));
    }
    struct line blank = {.sign = 0};
    char text[QUANTITY_SIZE];
    print_cells(layout, &blank);
    if (summary->rule.by_cum)
        fprintf(layout->out, "[%zu %s]\n", rest, rest == 1 ? "other" : "others");
    else
        fprintf(layout->out, "[%zu %s: %s]\n", rest, rest == 1 ? "other" : "others",
                quantity_format(text, layout->kind, sum, is_diff(layout)));
}

static void print_path(const struct layout *layout, const char *path) {
    term_clean(layout->name, NAME_BYTES, strcmp(path, "-") == 0 ? "stdin" : path);
    fputs(layout->name, layout->out);
}

static void print_title(const struct layout *layout) {
    const struct summary *summary = layout->summary;
    const struct profile *before = summary->files[VIEW_OLD] ? &summary->files[VIEW_OLD]->profile : NULL;
    const struct profile *after = &summary->files[VIEW_NEW]->profile;
    char text[QUANTITY_SIZE], other[QUANTITY_SIZE];
    term_clean(layout->name, NAME_BYTES, summary->sample_type);
    fprintf(layout->out, "%s%s  ", layout->name, summary->rule.by_cum && before ? " (cum)" : "");
    if (before) {
        print_path(layout, summary->files[VIEW_OLD]->path);
        fputs(" -> ", layout->out);
    }
    print_path(layout, summary->files[VIEW_NEW]->path);
    const char *separator = "   ";
    int64_t rate = summary_rate(after), old_rate = before ? summary_rate(before) : rate;
    if (rate > 0 && old_rate > 0) {
        fprintf(layout->out, "%srate %s", separator, quantity_format(text, QUANTITY_BYTES, old_rate, false));
        if (rate != old_rate)
            fprintf(layout->out, " -> %s", quantity_format(other, QUANTITY_BYTES, rate, false));
        separator = ", ";
    }
    int same = summary_same_process(summary);
    if (same >= 0) {
        fprintf(layout->out, "%s%s", separator, same ? "same process" : "different processes");
        separator = ", ";
    }
    if (before && before->time_nanos > 0 && after->time_nanos > 0 && before->time_nanos != after->time_nanos)
        fprintf(layout->out, "%s%s apart", separator,
                quantity_duration(text, quantity_subtract(after->time_nanos, before->time_nanos)));
    fputs("\n\n", layout->out);
}

static void measure_columns(struct layout *layout) {
    struct line line;
    const struct rank *rank = &layout->summary->rank;
    for (int i = 0; i < CELLS; i++)
        layout->width[i] = LEAST_CELL;
    fill_total(layout, &line);
    widen(layout, &line);
    for (size_t i = 0; i < layout->shown; i++) {
        fill_row(layout, &layout->summary->view->rows[rank->order[i]], &line);
        widen(layout, &line);
    }
    size_t most = layout->term->width && count_room(layout) / 2 < MOST_PADDING ? count_room(layout) / 2 : MOST_PADDING;
    for (size_t i = 0; i < layout->shown; i++) {
        size_t columns = fill_texts(layout, rank->order[i]);
        if (columns > layout->name_width && columns <= most)
            layout->name_width = (unsigned)columns;
    }
}

bool table_print(const struct summary *summary, const struct term *term, FILE *out) {
    struct layout layout = {.summary = summary,
                            .term = term,
                            .out = out,
                            .kind = quantity_kind_of(summary->unit),
                            .name = malloc(NAME_BYTES),
                            .place = malloc(NAME_BYTES),
                            .tails = {"\033[31m", "\033[32m", "\033[0m"}};
    bool ok = layout.name && layout.place;
    if (ok) {
        struct line line;
        layout.shown = count_shown(&layout);
        measure_columns(&layout);
        print_title(&layout);
        print_heads(&layout);
        for (size_t i = 0; i < layout.shown; i++)
            print_row(&layout, summary->rank.order[i]);
        print_rest(&layout);
        fill_total(&layout, &line);
        print_cells(&layout, &line);
        fputs("TOTAL\n", out);
    }
    free(layout.name);
    free(layout.place);
    return ok;
}
