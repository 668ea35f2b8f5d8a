/* Written as it goes, one row a line (with all views two), so that diff(1) and grep(1) work on it too. Locks,
 * allocation: none. */
#include "cli/json.h"

#include <math.h>
#include <string.h>

#include "base/text.h"
#include "cli/quantity.h"

enum { SCHEMA = 2 };

/* Characters that a terminal acts on, or that cannot be seen: C0, DEL, C1, and the marks of direction and their kin. */
static bool is_escaped(uint32_t code) {
    return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x61c || (code >= 0x200b && code <= 0x200f) ||
           (code >= 0x2028 && code <= 0x202e) || (code >= 0x2060 && code <= 0x206f) || code == 0xfeff;
}

void json_print_string(const char *text, FILE *out) {
    const char *p = text;
    fputc('"', out);
    while (*p) {
        uint32_t code;
        size_t length = text_decode(p, &code);
        if (!length)
            fputs("\\ufffd", out);
        else if (*p == '"' || *p == '\\')
            fprintf(out, "\\%c", *p);
        else if (is_escaped(code))
            fprintf(out, "\\u%04x", code);
        else
            fwrite(p, 1, length, out);
        p += length ? length : 1;
    }
    fputc('"', out);
}

static void print_field(const char *key, const char *text, FILE *out) {
    fprintf(out, "\"%s\": ", key);
    json_print_string(text, out);
}

void json_print_number(double number, FILE *out) {
    if (isfinite(number))
        fprintf(out, "%.12g", number);
    else
        fputs("null", out);
}

static void print_number_field(const char *key, double number, FILE *out) {
    fprintf(out, ", \"%s\": ", key);
    json_print_number(number, out);
}

static void print_estimate(const char *key, double number, FILE *out) {
    char text[QUANTITY_SIZE];
    quantity_estimate(text, number);
    fprintf(out, ", \"%s\": %s", key, *text ? text : "null");
}

/* What a file's samples say against its exact totals; not of files that samples were taken out of. */
static void print_calibration(const struct summary *summary, const struct heapprofile *file, FILE *out) {
    struct heapprofile_calibration found;
    uint32_t view;
    const char *name = heapprofile_diff_view(summary->diff, summary->view).name;
    if (summary->is_filtered || !heapprofile_find_view(file, name, &view) || !heapprofile_calibrate(file, view, &found))
        return;
    fputs(", \"calibration\": {\"sampled\": ", out);
    json_print_number(found.sampled, out);
    print_number_field("exact", found.exact, out);
    print_estimate("deviation", found.deviation, out);
    fprintf(out, ", \"is_off\": %s}", found.is_off ? "true" : "false");
}

/* Without the braces. */
static void print_file(const struct summary *summary, const struct heapprofile *file, FILE *out) {
    const struct heapprofile_facts facts = heapprofile_facts(file);
    print_field("path", facts.name, out);
    fprintf(out, ", \"rate\": %ld, \"time_nanos\": %ld, \"duration_nanos\": %ld", (long)facts.rate,
            (long)facts.time_nanos, (long)facts.duration_nanos);
    if (facts.instance) {
        fputs(", ", out);
        print_field("instance", facts.instance, out);
    }
    print_calibration(summary, file, out);
}

static void print_side(const struct summary *summary, enum heapprofile_side side, FILE *out) {
    struct heapprofile_change total = heapprofile_diff_total(summary->diff, summary->view);
    const struct heapprofile_runs *runs = &summary->pair.runs[side];
    size_t first = side == HEAPPROFILE_OLD ? 0 : summary->pair.runs[HEAPPROFILE_OLD].count;
    fprintf(out, "\"%s\": {\"total\": %ld", side == HEAPPROFILE_OLD ? "old" : "new",
            (long)(side == HEAPPROFILE_OLD ? total.before : total.after));
    fputs(", \"files\": [", out);
    for (size_t i = 0; i < runs->count; i++) {
        fputs(i ? ",\n  {" : "{", out);
        print_file(summary, runs->profiles[i], out);
        print_number_field("scale", heapprofile_diff_scales(summary->diff, first + i)[summary->view], out);
        fputs("}", out);
    }
    fputs("]},\n", out);
}

static void print_change(const char *key, const struct summary *summary, const struct heapprofile_change *change,
                         FILE *out) {
    static const char *const verdicts[] = {[HEAPPROFILE_SAME] = "same",
                                           [HEAPPROFILE_CHANGED] = "changed",
                                           [HEAPPROFILE_NOISE] = "noise",
                                           [HEAPPROFILE_UNKNOWN] = "unknown"};
    fprintf(out, "\"%s\": ", key);
    if (!summary_is_diff(summary)) {
        fprintf(out, "%ld", (long)change->after);
        return;
    }
    fprintf(out, "{\"old\": %ld, \"new\": %ld, \"delta\": %ld", (long)change->before, (long)change->after,
            (long)change->delta);
    if (change->verdict != HEAPPROFILE_UNKNOWN) {
        print_estimate("low", change->low, out);
        print_estimate("high", change->high, out);
        print_estimate("p", change->p, out);
        print_estimate("q", change->q, out);
    }
    fprintf(out, ", \"verdict\": \"%s\"}", verdicts[change->verdict]);
}

static void print_measures(const struct summary *summary, uint32_t row, uint32_t view, FILE *out) {
    struct heapprofile_change flat = heapprofile_diff_change(summary->diff, row, view, HEAPPROFILE_FLAT);
    struct heapprofile_change cum = heapprofile_diff_change(summary->diff, row, view, HEAPPROFILE_CUM);
    print_change("flat", summary, &flat, out);
    fputs(", ", out);
    print_change("cum", summary, &cum, out);
}

/* Views are keys, so one whose name was there before is left out. */
static bool is_repeated(const struct summary *summary, uint32_t view) {
    const char *name = heapprofile_diff_view(summary->diff, view).name;
    for (uint32_t i = 0; i < view; i++)
        if (strcmp(heapprofile_diff_view(summary->diff, i).name, name) == 0)
            return true;
    return false;
}

static void print_row(const struct summary *summary, uint32_t index, FILE *out) {
    struct heapprofile_row row = heapprofile_diff_row(summary->diff, index);
    uint32_t views = summary->with_all_views ? summary->views : 0;
    fputs("{", out);
    print_field("name", row.name, out);
    fputs(", ", out);
    print_field("file", row.file, out);
    fprintf(out, ", \"line\": %ld, ", (long)row.line);
    if (row.has_other_files)
        fputs("\"has_other_files\": true, ", out);
    if (row.old_name) {
        print_field("old_name", row.old_name, out);
        print_number_field("likeness", row.likeness, out);
        fputs(", ", out);
    }
    print_measures(summary, index, summary->view, out);
    for (uint32_t i = 0; i < views; i++) {
        if (is_repeated(summary, i))
            continue;
        fputs(i ? ", " : ",\n  \"views\": {", out);
        json_print_string(heapprofile_diff_view(summary->diff, i).name, out);
        fputs(": {", out);
        print_measures(summary, index, i, out);
        fputs("}", out);
    }
    fputs(views ? "}}" : "}", out);
}

static void print_views(const struct summary *summary, FILE *out) {
    for (uint32_t i = 0; i < summary->views; i++) {
        struct heapprofile_view view = heapprofile_diff_view(summary->diff, i);
        struct heapprofile_change total = heapprofile_diff_total(summary->diff, i);
        if (is_repeated(summary, i))
            continue;
        fputs(i ? ",\n  {" : "\"views\": [\n  {", out);
        print_field("name", view.name, out);
        fputs(", ", out);
        print_field("unit", view.unit, out);
        fputs(", ", out);
        print_change("total", summary, &total, out);
        fputs("}", out);
    }
    fputs("],\n", out);
}

static void print_head(const struct summary *summary, FILE *out) {
    struct heapprofile_view view = heapprofile_diff_view(summary->diff, summary->view);
    fprintf(out, "{\"schema\": %d, ", SCHEMA);
    print_field("view", view.name, out);
    fputs(", ", out);
    print_field("unit", view.unit, out);
    fprintf(out, ", \"by\": \"%s\"", summary_by_names[summary->by]);
    if (summary->by == HEAPPROFILE_BY_LABEL) {
        fputs(", ", out);
        print_field("label", summary->label, out);
    }
    fprintf(out, ", \"order\": \"%s\"", summary->measure == HEAPPROFILE_CUM ? "cum" : "flat");
    if (summary_is_diff(summary))
        print_number_field("confidence", summary->confidence, out);
    fputs(",\n", out);
}

bool json_print(const struct summary *summary, const struct term *term, FILE *out, struct heapprofile_error *error) {
    struct heapprofile_change total = heapprofile_diff_total(summary->diff, summary->view);
    int same = heapprofile_diff_same_process(summary->diff);
    (void)term, (void)error;
    print_head(summary, out);
    if (summary_is_diff(summary)) {
        print_side(summary, HEAPPROFILE_OLD, out);
        print_side(summary, HEAPPROFILE_NEW, out);
        if (same >= 0)
            fprintf(out, "\"same_process\": %s,\n", same ? "true" : "false");
        print_change("total", summary, &total, out);
        fputs(",\n", out);
    } else {
        fprintf(out, "\"profile\": {\"total\": %ld, ", (long)total.after);
        print_file(summary, summary_file(summary, HEAPPROFILE_NEW), out);
        fputs("},\n", out);
    }
    if (summary->with_all_views)
        print_views(summary, out);
    fputs("\"rows\": [", out);
    for (uint32_t i = 0; i < summary->count; i++) {
        fputs(i ? ",\n" : "\n", out);
        print_row(summary, summary->order[i], out);
    }
    fputs("\n]}\n", out);
    return true;
}
