/* The page's data is JSON in a script element; cli/assets/trend.html and what it includes draw it. More files than
 * there are pixels would only make the page large, so neighbours of one process are put together to means. Locks: none.
 * Allocates with malloc. */
#include "cli/trend_page.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/page.h"
#include "cli/summary.h"

enum { SCHEMA = 1, MOST_POINTS = 1000 };

struct writer {
    const struct trend_report *report;
    struct heapprofile_trend_facts facts;
    uint32_t *first; /* by point: its first file, and one past the last */
    uint32_t points;
    int64_t *values;
    double *errors, *line;
};

/* ---- points ---- */

static bool is_new_point(const struct writer *writer, uint32_t file, uint32_t each) {
    if (!file || file - writer->first[writer->points - 1] >= each)
        return true;
    struct heapprofile_trend_file one = heapprofile_trend_file(writer->report->trend, file);
    struct heapprofile_trend_file before = heapprofile_trend_file(writer->report->trend, file - 1);
    return one.process != before.process || one.is_warm_up != before.is_warm_up;
}

static void find_points(struct writer *writer) {
    uint32_t each = (writer->facts.files + MOST_POINTS - 1) / MOST_POINTS;
    for (uint32_t i = 0; i < writer->facts.files; i++)
        if (is_new_point(writer, i, each))
            writer->first[writer->points++] = i;
    writer->first[writer->points] = writer->facts.files;
}

/* ---- numbers ---- */

static void print_number(double number, FILE *out) {
    if (isfinite(number))
        fprintf(out, "%.10g", number);
    else
        fputs("null", out);
}

static void print_member(const char *key, double number, FILE *out) {
    fprintf(out, ",\"%s\":", key);
    print_number(number, out);
}

/* The mean of each point's files, in whole units. */
static void print_means(const struct writer *writer, const char *key, const double *numbers, FILE *out) {
    fprintf(out, ",\"%s\":[", key);
    for (uint32_t k = 0; k < writer->points; k++) {
        double sum = 0;
        for (uint32_t i = writer->first[k]; i < writer->first[k + 1]; i++)
            sum += numbers ? numbers[i] : (double)writer->values[i];
        fputs(k ? "," : "", out);
        print_number(round(sum / (writer->first[k + 1] - writer->first[k])), out);
    }
    fputs("]", out);
}

static void print_times(const struct writer *writer, FILE *out) {
    fputs(",\n\"times\":[", out);
    for (uint32_t k = 0; k < writer->points; k++) {
        int64_t begin = heapprofile_trend_file(writer->report->trend, writer->first[k]).time_nanos;
        double sum = 0;
        for (uint32_t i = writer->first[k]; i < writer->first[k + 1]; i++)
            sum += (double)(heapprofile_trend_file(writer->report->trend, i).time_nanos - begin) / 1e6;
        fprintf(out, "%s%.0f", k ? "," : "", (double)begin / 1e6 + sum / (writer->first[k + 1] - writer->first[k]));
    }
    fputs("],\n\"points\":[", out);
    for (uint32_t k = 0; k < writer->points; k++) {
        struct heapprofile_trend_file file = heapprofile_trend_file(writer->report->trend, writer->first[k]);
        fprintf(out, "%s[%u,%u,%d]", k ? "," : "", writer->first[k + 1] - writer->first[k], file.process,
                file.is_warm_up);
    }
    fputs("]", out);
}

/* ---- rows ---- */

static void print_slope(const struct writer *writer, int64_t row, FILE *out) {
    const struct heapprofile_trend *trend = writer->report->trend;
    struct heapprofile_slope slope = heapprofile_trend_slope(trend, row);
    fputs(",\"verdict\":", out);
    page_print_json(trend_verdict_names[slope.verdict], out);
    fprintf(out, ",\"first\":%ld,\"last\":%ld,\"rises\":%u,\"steps\":%u", (long)slope.first, (long)slope.last,
            slope.rises, slope.steps);
    print_member("slope", slope.slope, out);
    print_member("low", slope.low, out);
    print_member("high", slope.high, out);
    print_member("p", slope.p, out);
    print_member("q", slope.q, out);
    if (writer->report->limit) {
        struct heapprofile_reach reach = heapprofile_trend_reach(trend, row, (double)writer->report->limit);
        print_member("hours", reach.hours, out);
        print_member("soonest", reach.soonest, out);
        print_member("latest", reach.latest, out);
    }
    heapprofile_trend_values(trend, row, writer->values, writer->errors);
    heapprofile_trend_line(trend, row, writer->values, writer->line);
    print_means(writer, "values", NULL, out);
    print_means(writer, "errors", writer->errors, out);
    print_means(writer, "line", writer->line, out);
    fputs("}", out);
}

static void print_rows(const struct writer *writer, FILE *out) {
    const struct trend_report *report = writer->report;
    uint64_t shown = report->most_rows && report->most_rows < report->count ? report->most_rows : report->count;
    fputs(",\n\"total\":{\"name\":\"TOTAL\",\"file\":\"\",\"line_number\":0", out);
    print_slope(writer, HEAPPROFILE_TREND_TOTAL, out);
    fprintf(out, ",\n\"others\":%lu,\"rows\":[", (unsigned long)(report->count - shown));
    for (uint64_t i = 0; i < shown; i++) {
        struct heapprofile_row row = heapprofile_trend_row(report->trend, report->order[i]);
        fputs(i ? ",\n{\"name\":" : "\n{\"name\":", out);
        page_print_json(row.name, out);
        fputs(",\"file\":", out);
        page_print_json(row.has_other_files ? "[several files]" : row.file, out);
        fprintf(out, ",\"line_number\":%ld", row.has_other_files ? 0 : (long)row.line);
        print_slope(writer, report->order[i], out);
    }
    fputs("]", out);
}

static void print_processes(const struct writer *writer, FILE *out) {
    fputs(",\n\"processes\":[", out);
    for (uint32_t i = 0; i < heapprofile_trend_processes(writer->report->trend); i++) {
        struct heapprofile_process process = heapprofile_trend_process(writer->report->trend, i);
        fputs(i ? ",[" : "[", out);
        page_print_json(*process.pid ? process.pid : process.instance, out);
        fprintf(out, ",%u]", process.files);
    }
    fprintf(out, "],\"process\":%d", writer->facts.process);
}

static bool print_data(void *context, FILE *out) {
    const struct writer *writer = context;
    const struct trend_report *report = writer->report;
    const struct heapprofile_trend_facts *facts = &writer->facts;
    fprintf(out, "{\"schema\":%d,\"view\":", SCHEMA);
    page_print_json(facts->view.name, out);
    fputs(",\"unit\":", out);
    page_print_json(facts->view.unit, out);
    fprintf(out, ",\"by\":\"%s\",\"measure\":\"%s\",\"files\":%u,\"warm_up\":%u,\"skipped\":%zu,\"rate\":%ld",
            summary_by_names[report->by], report->measure == HEAPPROFILE_CUM ? "cum" : "flat", facts->files,
            facts->warm_up, report->skipped, (long)heapprofile_trend_file(report->trend, facts->files - 1).rate);
    print_member("confidence", facts->confidence, out);
    print_member("hours", facts->hours, out);
    print_member("deviations", facts->deviations, out);
    print_member("limit", report->limit ? (double)report->limit : NAN, out);
    print_processes(writer, out);
    print_times(writer, out);
    print_rows(writer, out);
    fputs("}\n", out);
    return true;
}

static bool print_title(void *context, FILE *out) {
    const struct writer *writer = context;
    page_print_markup(writer->facts.view.name, out);
    fprintf(out, ", %u files - heapdiff trend", writer->facts.files);
    return true;
}

bool trend_page_print(const struct trend_report *report, FILE *out) {
    struct writer writer = {.report = report, .facts = heapprofile_trend_facts(report->trend)};
    size_t files = (size_t)writer.facts.files + 1;
    writer.first = calloc(files, sizeof *writer.first);
    writer.values = calloc(files, sizeof *writer.values);
    writer.errors = calloc(2 * files, sizeof *writer.errors);
    bool ok = writer.first && writer.values && writer.errors;
    if (ok) {
        const struct page_filling fillings[] = {
            {"title", print_title, &writer}, {"data", print_data, &writer}, {NULL, NULL, NULL}};
        writer.line = writer.errors + files;
        find_points(&writer);
        ok = page_write(page_trend, fillings, out);
    }
    free(writer.first);
    free(writer.values);
    free(writer.errors);
    return ok;
}
