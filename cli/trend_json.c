/* Written as it goes, one file and one row a line. Locks: none. */
#include "cli/trend_json.h"

#include <math.h>
#include <stdlib.h>

#include "cli/json.h"
#include "cli/summary.h"

enum { SCHEMA = 1 };

static const char *const verdicts[] = {
    [HEAPPROFILE_TREND_NOISE] = "noise", [HEAPPROFILE_TREND_LEAKS] = "leaks",       [HEAPPROFILE_TREND_RISES] = "rises",
    [HEAPPROFILE_TREND_FALLS] = "falls", [HEAPPROFILE_TREND_CONSTANT] = "constant",
};

static void print_text(const char *key, const char *text, FILE *out) {
    fprintf(out, "\"%s\": ", key);
    json_print_string(text, out);
}

/* What is not a finite number is null. */
static void print_number(const char *key, double number, FILE *out) {
    if (isfinite(number))
        fprintf(out, ", \"%s\": %.10g", key, number);
    else
        fprintf(out, ", \"%s\": null", key);
}

static void print_processes(const struct trend_report *report, FILE *out) {
    struct heapprofile_trend_facts facts = heapprofile_trend_facts(report->trend);
    fputs("\"processes\": [", out);
    for (uint32_t i = 0; i < heapprofile_trend_processes(report->trend); i++) {
        struct heapprofile_process process = heapprofile_trend_process(report->trend, i);
        fputs(i ? ",\n{" : "\n{", out);
        print_text("instance", process.instance, out);
        fputs(", ", out);
        print_text("pid", process.pid, out);
        bool is_used = facts.process == HEAPPROFILE_ALL_PROCESSES || facts.process == (int)i;
        fprintf(out, ", \"files\": %u, \"first_nanos\": %ld, \"last_nanos\": %ld, \"used\": %s}", process.files,
                (long)process.first_nanos, (long)process.last_nanos, is_used ? "true" : "false");
    }
    fputs("\n],\n", out);
}

static void print_files(const struct trend_report *report, FILE *out) {
    fputs("\"files\": [", out);
    for (uint32_t i = 0; i < heapprofile_trend_facts(report->trend).files; i++) {
        struct heapprofile_trend_file file = heapprofile_trend_file(report->trend, i);
        fputs(i ? ",\n{" : "\n{", out);
        print_text("path", file.name, out);
        fprintf(out, ", \"time_nanos\": %ld, \"process\": %u, \"rate\": %ld, \"warm_up\": %s}", (long)file.time_nanos,
                file.process, (long)file.rate, file.is_warm_up ? "true" : "false");
    }
    fputs("\n],\n", out);
}

/* The members of a row or of the total but for its name. */
static void print_slope(const struct trend_report *report, int64_t row, int64_t *values, double *errors, FILE *out) {
    struct heapprofile_slope slope = heapprofile_trend_slope(report->trend, row);
    fprintf(out, "\"verdict\": \"%s\", \"first\": %ld, \"last\": %ld", verdicts[slope.verdict], (long)slope.first,
            (long)slope.last);
    print_number("slope", slope.slope, out);
    print_number("low", slope.low, out);
    print_number("high", slope.high, out);
    print_number("p", slope.p, out);
    print_number("q", slope.q, out);
    print_number("sampling_error", slope.sampling_error, out);
    print_number("scatter_error", slope.scatter_error, out);
    fprintf(out, ", \"rises\": %u, \"steps\": %u", slope.rises, slope.steps);
    if (report->limit) {
        struct heapprofile_reach reach = heapprofile_trend_reach(report->trend, row, (double)report->limit);
        print_number("hours_to_limit", reach.hours, out);
        print_number("soonest", reach.soonest, out);
        print_number("latest", reach.latest, out);
    }
    heapprofile_trend_values(report->trend, row, values, errors);
    fputs(", \"values\": [", out);
    for (uint32_t i = 0; i < heapprofile_trend_facts(report->trend).files; i++)
        fprintf(out, "%s%ld", i ? ", " : "", (long)values[i]);
    fputs("]", out);
}

static void print_heads(const struct trend_report *report, FILE *out) {
    struct heapprofile_trend_facts facts = heapprofile_trend_facts(report->trend);
    fprintf(out, "{\"schema\": %d, \"kind\": \"trend\", ", SCHEMA);
    print_text("view", facts.view.name, out);
    fputs(", ", out);
    print_text("unit", facts.view.unit, out);
    fprintf(out, ", \"by\": \"%s\", \"measure\": \"%s\"", summary_by_names[report->by],
            report->measure == HEAPPROFILE_CUM ? "cum" : "flat");
    print_number("confidence", facts.confidence, out);
    print_number("hours", facts.hours, out);
    fprintf(out, ", \"warm_up\": %u, \"skipped\": %zu", facts.warm_up, report->skipped);
    if (report->limit)
        fprintf(out, ", \"limit\": %lu", (unsigned long)report->limit);
    fputs(",\n", out);
    print_processes(report, out);
    print_files(report, out);
}

bool trend_json_print(const struct trend_report *report, FILE *out) {
    size_t files = (size_t)heapprofile_trend_facts(report->trend).files + 1;
    int64_t *values = calloc(files, sizeof *values);
    double *errors = calloc(files, sizeof *errors);
    if (values && errors) {
        print_heads(report, out);
        fputs("\"total\": {", out);
        print_slope(report, HEAPPROFILE_TREND_TOTAL, values, errors, out);
        fputs("},\n\"rows\": [", out);
        for (uint32_t i = 0; i < report->count; i++) {
            struct heapprofile_row row = heapprofile_trend_row(report->trend, report->order[i]);
            fputs(i ? ",\n{" : "\n{", out);
            print_text("name", row.name, out);
            fputs(", ", out);
            print_text("file", row.file, out);
            fprintf(out, ", \"line\": %ld, ", (long)row.line);
            print_slope(report, report->order[i], values, errors, out);
            fputs("}", out);
        }
        fputs("\n]}\n", out);
    }
    bool ok = values && errors;
    free(values);
    free(errors);
    return ok;
}
