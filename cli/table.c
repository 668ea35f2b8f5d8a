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

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/wrap.h"
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

static bool is_diff(const struct layout *layout) { return summary_is_diff(layout->summary); }

static void fill_diff(const struct layout *layout, int64_t before, int64_t after, struct line *line) {
    int64_t delta = wrap_subtract(after, before);
    quantity_format(line->cells[0], layout->kind, before, false);
    quantity_format(line->cells[1], layout->kind, after, false);
    quantity_format(line->cells[2], layout->kind, delta, true);
    quantity_change(line->cells[3], before, after);
    line->sign = delta > 0 ? 1 : delta < 0 ? -1 : 0;
}

static void fill_single(const struct layout *layout, int64_t flat, int64_t cum, struct line *line) {
    int64_t whole = (int64_t)heapprofile_diff_magnitude(layout->summary->diff, HEAPPROFILE_NEW, layout->summary->view);
    quantity_format(line->cells[0], layout->kind, flat, false);
    quantity_share(line->cells[1], flat, whole);
    quantity_format(line->cells[2], layout->kind, cum, false);
    quantity_share(line->cells[3], cum, whole);
    line->sign = 0;
}

static void fill_row(const struct layout *layout, uint32_t row, struct line *line) {
    const struct summary *summary = layout->summary;
    struct heapprofile_change change = heapprofile_diff_change(summary->diff, row, summary->view, summary->measure);
    if (is_diff(layout)) {
        fill_diff(layout, change.before, change.after, line);
        return;
    }
    struct heapprofile_change flat = heapprofile_diff_change(summary->diff, row, summary->view, HEAPPROFILE_FLAT);
    struct heapprofile_change cum = heapprofile_diff_change(summary->diff, row, summary->view, HEAPPROFILE_CUM);
    fill_single(layout, flat.after, cum.after, line);
}

static void fill_total(const struct layout *layout, struct line *line) {
    struct heapprofile_change total = heapprofile_diff_total(layout->summary->diff, layout->summary->view);
    if (is_diff(layout))
        fill_diff(layout, total.before, total.after, line);
    else
        fill_single(layout, total.after, total.after, line);
}

/* A diff shows what changed; rows that did not are counted among the others, unless all rows are asked for.
 */
static size_t count_shown(const struct layout *layout) {
    const struct summary *summary = layout->summary;
    if (!summary->most_rows)
        return summary->count;
    size_t shown = 0;
    for (; shown < summary->count && shown < summary->most_rows; shown++) {
        struct heapprofile_change change =
            heapprofile_diff_change(summary->diff, summary->order[shown], summary->view, summary->measure);
        if (is_diff(layout) && change.before == change.after)
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
    struct heapprofile_row row = heapprofile_diff_row(layout->summary->diff, index);
    size_t columns = text_clean(layout->name, NAME_BYTES, row.name);
    if (row.old_name) {
        char guess[512], old_name[400];
        text_clean(old_name, sizeof old_name, row.old_name);
        snprintf(guess, sizeof guess, " (was %s? %.0f%% alike)", old_name, row.likeness * 100);
        strncat(layout->name, guess, NAME_BYTES - strlen(layout->name) - 1);
        columns = text_clean(layout->place, NAME_BYTES, layout->name);
    }
    char place[4096 + 32];
    place[0] = 0;
    if (row.has_other_files)
        snprintf(place, sizeof place, "[several files]");
    else if (*row.file && row.line)
        snprintf(place, sizeof place, "%.4000s:%ld", shorten_path(row.file), (long)row.line);
    else if (*row.file)
        snprintf(place, sizeof place, "%.4000s", shorten_path(row.file));
    text_clean(layout->place, NAME_BYTES, place);
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
    fill_row(layout, index, &line);
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
    struct line line = {.sign = 0};
    for (int i = 0; i < CELLS; i++)
        strcpy(line.cells[i], is_diff(layout) ? diff_heads[i] : single_heads[i]);
    print_cells(layout, &line);
    for (const char *p = summary_by_names[layout->summary->by]; *p; p++)
        fputc(toupper(*p), layout->out);
    fputc('\n', layout->out);
}

/* What the rows below the last one add up to; sums of cum mean nothing. */
static void print_rest(const struct layout *layout) {
    const struct summary *summary = layout->summary;
    size_t rest = summary->count - layout->shown;
    if (!rest)
        return;
    int64_t sum = 0;
    for (size_t i = layout->shown; i < summary->count; i++) {
        struct heapprofile_change change =
            heapprofile_diff_change(summary->diff, summary->order[i], summary->view, HEAPPROFILE_FLAT);
        sum = wrap_add(sum, change.delta);
    }
    struct line blank = {.sign = 0};
    char text[QUANTITY_SIZE];
    print_cells(layout, &blank);
    if (summary->measure == HEAPPROFILE_CUM)
        fprintf(layout->out, "[%zu %s]\n", rest, rest == 1 ? "other" : "others");
    else
        fprintf(layout->out, "[%zu %s: %s]\n", rest, rest == 1 ? "other" : "others",
                quantity_format(text, layout->kind, sum, is_diff(layout)));
}

static void print_path(const struct layout *layout, const char *path) {
    text_clean(layout->name, NAME_BYTES, strcmp(path, "-") == 0 ? "stdin" : path);
    fputs(layout->name, layout->out);
}

static void print_title(const struct layout *layout) {
    const struct summary *summary = layout->summary;
    bool has_old = is_diff(layout);
    struct heapprofile_facts after = heapprofile_facts(summary_file(summary, HEAPPROFILE_NEW));
    struct heapprofile_facts before = has_old ? heapprofile_facts(summary_file(summary, HEAPPROFILE_OLD)) : after;
    char text[QUANTITY_SIZE], other[QUANTITY_SIZE];
    text_clean(layout->name, NAME_BYTES, heapprofile_diff_view(summary->diff, summary->view).name);
    fprintf(layout->out, "%s%s  ", layout->name, summary->measure == HEAPPROFILE_CUM && has_old ? " (cum)" : "");
    if (has_old) {
        print_path(layout, before.name);
        fputs(" -> ", layout->out);
    }
    print_path(layout, after.name);
    const char *separator = "   ";
    if (after.rate > 0 && before.rate > 0) {
        fprintf(layout->out, "%srate %s", separator, quantity_format(text, QUANTITY_BYTES, before.rate, false));
        if (after.rate != before.rate)
            fprintf(layout->out, " -> %s", quantity_format(other, QUANTITY_BYTES, after.rate, false));
        separator = ", ";
    }
    int same = heapprofile_diff_same_process(summary->diff);
    if (same >= 0) {
        fprintf(layout->out, "%s%s", separator, same ? "same process" : "different processes");
        separator = ", ";
    }
    if (before.time_nanos > 0 && after.time_nanos > 0 && before.time_nanos != after.time_nanos)
        fprintf(layout->out, "%s%s apart", separator,
                quantity_duration(text, wrap_subtract(after.time_nanos, before.time_nanos)));
    fputs("\n\n", layout->out);
}

static void measure_columns(struct layout *layout) {
    struct line line;
    for (int i = 0; i < CELLS; i++)
        layout->width[i] = LEAST_CELL;
    fill_total(layout, &line);
    widen(layout, &line);
    for (size_t i = 0; i < layout->shown; i++) {
        fill_row(layout, layout->summary->order[i], &line);
        widen(layout, &line);
    }
    size_t most = layout->term->width && count_room(layout) / 2 < MOST_PADDING ? count_room(layout) / 2 : MOST_PADDING;
    for (size_t i = 0; i < layout->shown; i++) {
        size_t columns = fill_texts(layout, layout->summary->order[i]);
        if (columns > layout->name_width && columns <= most)
            layout->name_width = (unsigned)columns;
    }
}

bool table_print(const struct summary *summary, const struct term *term, FILE *out) {
    struct layout layout = {.summary = summary,
                            .term = term,
                            .out = out,
                            .kind = quantity_kind_of(heapprofile_diff_view(summary->diff, summary->view).unit),
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
            print_row(&layout, summary->order[i]);
        print_rest(&layout);
        fill_total(&layout, &line);
        print_cells(&layout, &line);
        fputs("TOTAL\n", out);
    }
    free(layout.name);
    free(layout.place);
    return ok;
}
