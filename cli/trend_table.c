/* Laid out twice, as the table of a diff is: to find how wide each column must be, and to print.
 *
 *   inuse_space  37 of 40 files over 18h 0m   process 4242, rate 512Ki                                  title
 *   first 3 of 40 files are warm-up                                                                 notes
 *
 *      FIRST      LAST   SLOPE/h        95%  RISES  TREND         VERDICT  FUNCTION                  heads
 *     12.1Mi    19.6Mi    +385Ki   +-32.1Ki  35/36  ▁▁▂▃▃▄▅▅▆▇▇█  leaks    cache_insert  src/cache.c:88
 *
 * On a narrow terminal columns are left out, the least telling first. Names are cleaned of control characters always
 * and shortened only on a terminal. Locks: none. Allocates with malloc. */
#include "cli/trend_table.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/quantity.h"
#include "cli/sparkline.h"
#include "cli/summary.h"

enum column { FIRST, LAST, SLOPE, ERROR, RISES, LIMIT, SPARK, VERDICT, COLUMNS };
enum { CELL_SIZE = 96, NAME_BYTES = 64 * 1024, GAP = 2, ROOM_FOR_NAME = 20, LEAST_NAME = 16, MOST_PADDING = 40 };

/* In what order columns give way. */
static const enum column dispensable[] = {FIRST, RISES, SPARK, VERDICT, LAST};

struct line {
    char cells[COLUMNS][CELL_SIZE];
    enum heapprofile_trend_verdict verdict;
};

struct layout {
    const struct trend_report *report;
    const struct term *term;
    FILE *out;
    struct heapprofile_trend_facts facts;
    enum quantity_kind kind;
    bool is_shown[COLUMNS], has_blocks;
    unsigned width[COLUMNS], name_width;
    size_t shown; /* rows */
    int64_t *values, *times;
    double *errors;
    char *name, *place; /* NAME_BYTES each */
};

static unsigned count_columns(const char *text) {
    unsigned columns = 0;
    for (; *text; text++)
        columns += (*text & 0xc0) != 0x80;
    return columns;
}

/* Small rates of objects have a fraction. */
static void print_rate(const struct layout *layout, double rate, bool with_sign, char *cell) {
    char text[QUANTITY_SIZE];
    if (!isfinite(rate))
        strcpy(cell, "inf");
    else if (layout->kind == QUANTITY_COUNT && rate != 0 && fabs(rate) < 9.995)
        snprintf(cell, QUANTITY_SIZE, with_sign ? "%+.2f" : "%.2f", rate);
    else if (fabs(rate) < 9e18)
        strcpy(cell, quantity_format(text, layout->kind, llround(rate), with_sign));
    else
        snprintf(cell, QUANTITY_SIZE, with_sign ? "%+.2g" : "%.2g", rate);
}

static void print_hours(double hours, char *out, size_t size) {
    if (!isfinite(hours))
        snprintf(out, size, "never");
    else if (hours < 1)
        snprintf(out, size, "%.0fm", hours * 60);
    else if (hours < 72)
        snprintf(out, size, "%.*fh", hours < 9.95 ? 1 : 0, hours);
    else if (hours < 24 * 730.0)
        snprintf(out, size, "%.0fd", hours / 24);
    else if (hours < 24 * 365.25 * 1000)
        snprintf(out, size, "%.0fy", hours / 24 / 365.25);
    else
        snprintf(out, size, ">1000y");
}

static void fill_limit(const struct layout *layout, int64_t row, const struct heapprofile_slope *slope, char *cell) {
    char at[24], soonest[24], latest[24];
    if (slope->verdict != HEAPPROFILE_TREND_LEAKS && slope->verdict != HEAPPROFILE_TREND_RISES)
        return;
    struct heapprofile_reach reach = heapprofile_trend_reach(layout->report->trend, row, (double)layout->report->limit);
    print_hours(reach.hours, at, sizeof at);
    print_hours(reach.soonest, soonest, sizeof soonest);
    print_hours(reach.latest, latest, sizeof latest);
    snprintf(cell, CELL_SIZE, "%s (%s-%s)", at, soonest, latest);
}

static void fill_line(const struct layout *layout, int64_t row, struct line *line) {
    const struct heapprofile_trend *trend = layout->report->trend;
    struct heapprofile_slope slope = heapprofile_trend_slope(trend, row);
    char text[QUANTITY_SIZE], spark[SPARKLINE_SIZE];
    *line = (struct line){.verdict = slope.verdict};
    strcpy(line->cells[FIRST], quantity_format(text, layout->kind, slope.first, false));
    strcpy(line->cells[LAST], quantity_format(text, layout->kind, slope.last, false));
    print_rate(layout, slope.slope, true, line->cells[SLOPE]);
    strcpy(line->cells[ERROR], "+-");
    print_rate(layout, (slope.high - slope.low) / 2, false, line->cells[ERROR] + 2);
    snprintf(line->cells[RISES], CELL_SIZE, "%u/%u", slope.rises, slope.steps);
    if (layout->report->limit)
        fill_limit(layout, row, &slope, line->cells[LIMIT]);
    heapprofile_trend_values(trend, row, layout->values, layout->errors);
    strcpy(line->cells[SPARK],
           sparkline(spark, layout->values, layout->times, layout->facts.files, layout->has_blocks));
    strcpy(line->cells[VERDICT], trend_verdict_names[slope.verdict]);
}

static void fill_heads(const struct layout *layout, struct line *line) {
    static const char *const heads[COLUMNS] = {"FIRST", "LAST", "SLOPE/h", "", "RISES", "LIMIT IN", "TREND", "VERDICT"};
    *line = (struct line){.verdict = HEAPPROFILE_TREND_NOISE};
    for (int i = 0; i < COLUMNS; i++)
        strcpy(line->cells[i], heads[i]);
    snprintf(line->cells[ERROR], CELL_SIZE, "%.4g%%", layout->facts.confidence * 100);
}

static void widen(struct layout *layout, const struct line *line) {
    for (int i = 0; i < COLUMNS; i++) {
        unsigned columns = count_columns(line->cells[i]);
        if (columns > layout->width[i])
            layout->width[i] = columns;
    }
}

static unsigned count_before_name(const struct layout *layout) {
    unsigned columns = 0;
    for (int i = 0; i < COLUMNS; i++)
        columns += layout->is_shown[i] ? layout->width[i] + GAP : 0;
    return columns;
}

static size_t count_room(const struct layout *layout) {
    unsigned before = count_before_name(layout);
    return layout->term->width > before + LEAST_NAME ? layout->term->width - before : LEAST_NAME;
}

static void choose_columns(struct layout *layout) {
    for (int i = 0; i < COLUMNS; i++)
        layout->is_shown[i] = i != LIMIT || layout->report->limit;
    for (size_t i = 0; i < sizeof dispensable / sizeof *dispensable; i++)
        if (layout->term->width && count_before_name(layout) + ROOM_FOR_NAME > layout->term->width)
            layout->is_shown[dispensable[i]] = false;
}

/* The last two parts of a path. */
static const char *shorten_path(const char *path) {
    const char *slash = strrchr(path, '/');
    while (slash && slash > path && slash[-1] != '/')
        slash--;
    return slash && slash > path ? slash : path;
}

/* Name and place into the layout's buffers; returns the name's columns. */
static size_t fill_texts(const struct layout *layout, uint32_t index) {
    struct heapprofile_row row = heapprofile_trend_row(layout->report->trend, index);
    size_t columns = text_clean(layout->name, NAME_BYTES, row.name);
    char place[4096 + 32];
    place[0] = 0;
    if (row.has_other_files)
        snprintf(place, sizeof place, "[several files]");
    else if (*row.file && row.line)
        snprintf(place, sizeof place, "%.4000s:%ld", shorten_path(row.file), (long)row.line);
    else if (*row.file)
        snprintf(place, sizeof place, "%.4000s", shorten_path(row.file));
    size_t place_columns = text_clean(layout->place, NAME_BYTES, place);
    if (!layout->term->width)
        return columns;
    size_t room = count_room(layout);
    if (columns + GAP + place_columns > room)
        layout->place[0] = 0;
    return columns > room ? term_shorten(layout->name, room) : columns;
}

static const char *color_of(const struct layout *layout, enum heapprofile_trend_verdict verdict) {
    return !layout->term->has_color             ? ""
           : verdict == HEAPPROFILE_TREND_LEAKS ? "\033[31m"
           : verdict == HEAPPROFILE_TREND_FALLS ? "\033[32m"
                                                : "";
}

static void print_cells(const struct layout *layout, const struct line *line) {
    const char *color = color_of(layout, line->verdict);
    for (int i = 0; i < COLUMNS; i++) {
        if (!layout->is_shown[i])
            continue;
        unsigned padding = layout->width[i] - count_columns(line->cells[i]);
        bool is_left = i == SPARK || i == VERDICT, is_colored = *color && (i == SLOPE || i == VERDICT);
        fprintf(layout->out, "%*s%s%s%s%*s", (int)(is_left ? 0 : padding), "", is_colored ? color : "", line->cells[i],
                is_colored ? "\033[0m" : "", (int)(is_left ? padding + GAP : GAP), "");
    }
}

static void print_row(const struct layout *layout, uint32_t row) {
    struct line line;
    fill_line(layout, row, &line);
    print_cells(layout, &line);
    size_t columns = fill_texts(layout, row);
    fputs(layout->name, layout->out);
    if (*layout->place) {
        size_t padded = layout->name_width > columns ? layout->name_width : columns;
        if (layout->term->width && padded + GAP + strlen(layout->place) > count_room(layout))
            padded = columns;
        fprintf(layout->out, "%*s%s", (int)(padded - columns + GAP), "", layout->place);
    }
    fputc('\n', layout->out);
}

static void print_process(const struct layout *layout) {
    const struct heapprofile_trend *trend = layout->report->trend;
    uint32_t count = heapprofile_trend_processes(trend);
    if (layout->facts.process == HEAPPROFILE_ALL_PROCESSES && count > 1) {
        fprintf(layout->out, "%u processes", count);
        return;
    }
    uint32_t index = layout->facts.process == HEAPPROFILE_ALL_PROCESSES ? 0 : (uint32_t)layout->facts.process;
    struct heapprofile_process process = heapprofile_trend_process(trend, index);
    text_clean(layout->name, NAME_BYTES, *process.pid ? process.pid : process.instance);
    fprintf(layout->out, *layout->name ? "process %s" : "process not known", layout->name);
}

static void print_title(const struct layout *layout) {
    const struct heapprofile_trend *trend = layout->report->trend;
    char text[QUANTITY_SIZE];
    text_clean(layout->name, NAME_BYTES, layout->facts.view.name);
    fprintf(layout->out, "%s%s  ", layout->name, layout->report->measure == HEAPPROFILE_CUM ? " (cum)" : "");
    if (layout->facts.warm_up)
        fprintf(layout->out, "%u of ", layout->facts.files - layout->facts.warm_up);
    fprintf(layout->out, "%u files over %s   ", layout->facts.files,
            quantity_duration(text, (int64_t)fmin(layout->facts.hours * 3600e9, 9e18)));
    print_process(layout);
    int64_t rate = heapprofile_trend_file(trend, layout->facts.files - 1).rate;
    if (rate > 0)
        fprintf(layout->out, ", rate %s", quantity_format(text, QUANTITY_BYTES, rate, false));
    if (layout->report->limit)
        fprintf(layout->out, ", limit %s",
                quantity_format(text, layout->kind,
                                layout->report->limit < INT64_MAX ? (int64_t)layout->report->limit : INT64_MAX, false));
    fputc('\n', layout->out);
}

/* What the reader must know of the files: which do not count, and why. */
static void print_notes(const struct layout *layout) {
    const struct heapprofile_trend *trend = layout->report->trend;
    bool is_one = layout->facts.process != HEAPPROFILE_ALL_PROCESSES;
    if (layout->facts.warm_up && (is_one || heapprofile_trend_processes(trend) == 1))
        fprintf(layout->out, "first %u of %u files %s warm-up\n", layout->facts.warm_up, layout->facts.files,
                layout->facts.warm_up == 1 ? "is" : "are");
    else if (layout->facts.warm_up)
        fprintf(layout->out, "%u of %u files are warm-up\n", layout->facts.warm_up, layout->facts.files);
    uint32_t others = is_one ? heapprofile_trend_processes(trend) - 1 : 0, files = 0;
    for (uint32_t i = 0; others && i < heapprofile_trend_processes(trend); i++)
        files += (int)i != layout->facts.process ? heapprofile_trend_process(trend, i).files : 0;
    if (others)
        fprintf(layout->out, "%u file%s of %u other process%s %s not looked at; see --process\n", files,
                files == 1 ? "" : "s", others, others == 1 ? "" : "es", files == 1 ? "is" : "are");
    fputc('\n', layout->out);
}

static void measure_columns(struct layout *layout) {
    struct line line;
    fill_heads(layout, &line);
    widen(layout, &line);
    fill_line(layout, HEAPPROFILE_TREND_TOTAL, &line);
    widen(layout, &line);
    for (size_t i = 0; i < layout->shown; i++) {
        fill_line(layout, layout->report->order[i], &line);
        widen(layout, &line);
    }
    choose_columns(layout);
    size_t most = layout->term->width && count_room(layout) / 2 < MOST_PADDING ? count_room(layout) / 2 : MOST_PADDING;
    for (size_t i = 0; i < layout->shown; i++) {
        size_t columns = fill_texts(layout, layout->report->order[i]);
        if (columns > layout->name_width && columns <= most)
            layout->name_width = (unsigned)columns;
    }
}

static void print_table(struct layout *layout) {
    const struct trend_report *report = layout->report;
    struct line line, blank = {.verdict = HEAPPROFILE_TREND_NOISE};
    print_title(layout);
    print_notes(layout);
    fill_heads(layout, &line);
    print_cells(layout, &line);
    for (const char *p = summary_by_names[report->by]; *p; p++)
        fputc(toupper(*p), layout->out);
    fputc('\n', layout->out);
    for (size_t i = 0; i < layout->shown; i++)
        print_row(layout, report->order[i]);
    if (report->count > layout->shown) {
        print_cells(layout, &blank);
        fprintf(layout->out, "[%zu %s]\n", report->count - layout->shown,
                report->count - layout->shown == 1 ? "other" : "others");
    }
    fill_line(layout, HEAPPROFILE_TREND_TOTAL, &line);
    print_cells(layout, &line);
    fputs("TOTAL\n", layout->out);
}

bool trend_table_print(const struct trend_report *report, const struct term *term, FILE *out) {
    struct layout layout = {.report = report, .term = term, .out = out, .has_blocks = sparkline_has_blocks()};
    layout.facts = heapprofile_trend_facts(report->trend);
    layout.kind = quantity_kind_of(layout.facts.view.unit);
    size_t files = (size_t)layout.facts.files + 1;
    layout.values = calloc(files, sizeof *layout.values);
    layout.times = calloc(files, sizeof *layout.times);
    layout.errors = calloc(files, sizeof *layout.errors);
    layout.name = malloc(NAME_BYTES);
    layout.place = malloc(NAME_BYTES);
    bool ok = layout.values && layout.times && layout.errors && layout.name && layout.place;
    for (uint32_t i = 0; ok && i < layout.facts.files; i++)
        layout.times[i] = heapprofile_trend_file(report->trend, i).time_nanos;
    layout.shown = report->most_rows && report->most_rows < report->count ? report->most_rows : report->count;
    if (ok) {
        measure_columns(&layout);
        print_table(&layout);
    }
    free(layout.values);
    free(layout.times);
    free(layout.errors);
    free(layout.name);
    free(layout.place);
    return ok;
}
