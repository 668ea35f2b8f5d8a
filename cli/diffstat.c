/* Bars are to one scale, the longest fills the line. A change that is there has a bar of one character at least.
 * One profile is drawn the same way, its values as bars of '+'. Locks: none. Allocates with malloc. */
#include "cli/diffstat.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/wrap.h"
#include "cli/columns.h"
#include "cli/quantity.h"

enum { PIPE_WIDTH = 80, LEAST_BAR = 8, MOST_VIEW = 16, NAME_BYTES = 64 * 1024 };

struct chart {
    const struct summary *summary;
    const struct term *term;
    FILE *out;
    struct selection selection;
    enum quantity_kind kind;
    uint64_t greatest;
    size_t name_width, value_width, bar_width;
    char *name;
};

static size_t clean_name(const struct chart *chart, uint32_t row) {
    enum { NUMBER_BYTES = 24 };
    struct heapprofile_row item = heapprofile_diff_row(chart->summary->diff, row);
    text_clean(chart->name, NAME_BYTES - NUMBER_BYTES, item.name);
    if (chart->summary->by == HEAPPROFILE_BY_LINE && item.line)
        sprintf(chart->name + strlen(chart->name), ":%ld", (long)item.line);
    return columns_count(chart->name);
}

static char *format_value(const struct chart *chart, const struct heapprofile_change *change, char out[QUANTITY_SIZE]) {
    if (change->verdict == HEAPPROFILE_NOISE)
        return strcpy(out, "~");
    return quantity_format(out, chart->kind, change->delta, summary_is_diff(chart->summary));
}

/* Names get what bars can spare: the longest of them, but not more than half of the line. */
static void measure(struct chart *chart) {
    char text[QUANTITY_SIZE];
    size_t width = chart->term->width ? chart->term->width : PIPE_WIDTH;
    for (size_t i = 0; i < chart->selection.count; i++) {
        struct heapprofile_change change = summary_change(chart->summary, chart->selection.rows[i]);
        size_t columns = clean_name(chart, chart->selection.rows[i]);
        size_t length = strlen(format_value(chart, &change, text));
        if (change.verdict != HEAPPROFILE_NOISE && wrap_magnitude(change.delta) > chart->greatest)
            chart->greatest = wrap_magnitude(change.delta);
        chart->name_width = columns > chart->name_width ? columns : chart->name_width;
        chart->value_width = length > chart->value_width ? length : chart->value_width;
    }
    if (chart->name_width > width / 2)
        chart->name_width = width / 2;
    size_t used = 1 + chart->name_width + 3 + chart->value_width + 1;
    chart->bar_width = width > used + LEAST_BAR ? width - used : LEAST_BAR;
}

static void print_bar(const struct chart *chart, const struct heapprofile_change *change) {
    bool has_color = chart->term->has_color && summary_is_diff(chart->summary);
    double share = (double)wrap_magnitude(change->delta) / (double)(chart->greatest + !chart->greatest);
    size_t length = (size_t)(share * (double)chart->bar_width + 0.5);
    if (!change->delta || change->verdict == HEAPPROFILE_NOISE)
        return;
    fprintf(chart->out, " %s", !has_color ? "" : change->delta > 0 ? "\033[31m" : "\033[32m");
    for (size_t i = 0; i < length + !length; i++)
        fputc(change->delta > 0 ? '+' : '-', chart->out);
    fputs(has_color ? "\033[0m" : "", chart->out);
}

static void print_row(const struct chart *chart, uint32_t row) {
    struct heapprofile_change change = summary_change(chart->summary, row);
    char text[QUANTITY_SIZE];
    size_t columns = clean_name(chart, row);
    if (columns > chart->name_width)
        columns = term_shorten(chart->name, chart->name_width);
    bool is_isolated = chart->term->has_isolates && columns_has_right_to_left(chart->name);
    fprintf(chart->out, " %s%s%s%*s | %*s", is_isolated ? "\342\201\250" : "", chart->name,
            is_isolated ? "\342\201\251" : "", (int)(columns < chart->name_width ? chart->name_width - columns : 0), "",
            (int)chart->value_width, format_value(chart, &change, text));
    print_bar(chart, &change);
    fputc('\n', chart->out);
}

/* Adds a part of the last line, on the next one where there is no room on this. */
static void say(const struct chart *chart, size_t *used, const char *part) {
    size_t columns = columns_count(part);
    if (*used && chart->term->width && *used + 2 + columns + 1 > chart->term->width) {
        fputs(",\n   ", chart->out);
        *used = 3;
    } else {
        fputs(*used ? ", " : " ", chart->out);
        *used += *used ? 2 : 1;
    }
    fputs(part, chart->out);
    *used += columns;
}

/* Sums of flat over all rows; those of cum mean nothing. */
static void print_end(const struct chart *chart) {
    const struct summary *summary = chart->summary;
    int64_t plus = 0, minus = 0;
    size_t changed = 0, used = 0;
    char part[200], view[80], text[QUANTITY_SIZE];
    for (uint32_t i = 0; i < summary->count; i++) {
        struct heapprofile_change change = summary_change(summary, summary->order[i]);
        bool is_real = change.delta && change.verdict != HEAPPROFILE_NOISE;
        changed += is_real;
        plus = wrap_add(plus, is_real && change.delta > 0 ? change.delta : 0);
        minus = wrap_add(minus, is_real && change.delta < 0 ? change.delta : 0);
    }
    text_clean(view, sizeof view, heapprofile_diff_view(summary->diff, summary->view).name);
    term_cut(view, MOST_VIEW);
    snprintf(part, sizeof part, "%s: %u %s%s", view, summary->count, summary_by_names[summary->by],
             summary->count == 1 ? "" : "s");
    say(chart, &used, part);
    snprintf(part, sizeof part, "%zu changed", changed);
    if (summary_is_diff(summary))
        say(chart, &used, part);
    if (summary_is_diff(summary) && summary->measure == HEAPPROFILE_FLAT) {
        say(chart, &used, plus ? quantity_format(text, chart->kind, plus, true) : "+0");
        say(chart, &used, minus ? quantity_format(text, chart->kind, minus, true) : "-0");
    }
    fputc('\n', chart->out);
}

bool diffstat_print(const struct summary *summary, const struct term *term, FILE *out,
                    struct heapprofile_error *error) {
    struct chart chart = {.summary = summary,
                          .term = term,
                          .out = out,
                          .kind = quantity_kind_of(heapprofile_diff_view(summary->diff, summary->view).unit),
                          .name = malloc(NAME_BYTES)};
    (void)error;
    bool ok = chart.name && summary_select(summary, &chart.selection);
    if (ok) {
        measure(&chart);
        for (size_t i = 0; i < chart.selection.count; i++)
            print_row(&chart, chart.selection.rows[i]);
        print_end(&chart);
    }
    free(chart.selection.rows);
    free(chart.name);
    return ok;
}
