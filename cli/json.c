/* Written as it goes, one row a line, so that diff(1) and grep(1) work on it too. Locks: none. */
#include "cli/json.h"

enum { SCHEMA = 1 };

/* Length of the UTF-8 sequence at p, 0 when it is none. */
static size_t measure_sequence(const unsigned char *p) {
    size_t length = *p < 0x80                 ? 1
                    : *p >= 0xc2 && *p < 0xe0 ? 2
                    : *p >= 0xe0 && *p < 0xf0 ? 3
                    : *p >= 0xf0 && *p < 0xf5 ? 4
                                              : 0;
    for (size_t i = 1; i < length; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    bool is_overlong = (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xf0 && p[1] < 0x90);
    bool is_outside = (p[0] == 0xed && p[1] >= 0xa0) || (p[0] == 0xf4 && p[1] >= 0x90);
    return is_overlong || is_outside ? 0 : length;
}

void json_print_string(const char *text, FILE *out) {
    const unsigned char *p = (const unsigned char *)text;
    fputc('"', out);
    while (*p) {
        size_t length = measure_sequence(p);
        if (!length)
            fputs("\\ufffd", out);
        else if (*p == '"' || *p == '\\')
            fprintf(out, "\\%c", *p);
        else if (*p < 0x20 || *p == 0x7f)
            fprintf(out, "\\u%04x", *p);
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

static void print_file(const struct summary *summary, enum heapprofile_side side, FILE *out) {
    const struct heapprofile_facts facts = heapprofile_facts(summary_file(summary, side));
    struct heapprofile_change total = heapprofile_diff_total(summary->diff, summary->view);
    fputs("{", out);
    print_field("path", facts.name, out);
    fprintf(out, ", \"total\": %ld, \"rate\": %ld, \"time_nanos\": %ld, \"duration_nanos\": %ld}",
            (long)(side == HEAPPROFILE_OLD ? total.before : total.after), (long)facts.rate, (long)facts.time_nanos,
            (long)facts.duration_nanos);
}

static void print_change(const char *key, const struct summary *summary, uint32_t row, enum heapprofile_measure measure,
                         FILE *out) {
    struct heapprofile_change change = heapprofile_diff_change(summary->diff, row, summary->view, measure);
    if (summary_is_diff(summary))
        fprintf(out, ", \"%s\": {\"old\": %ld, \"new\": %ld, \"delta\": %ld}", key, (long)change.before,
                (long)change.after, (long)change.delta);
    else
        fprintf(out, ", \"%s\": %ld", key, (long)change.after);
}

void json_print(const struct summary *summary, FILE *out) {
    bool is_diff = summary_is_diff(summary);
    struct heapprofile_view view = heapprofile_diff_view(summary->diff, summary->view);
    fprintf(out, "{\"schema\": %d, ", SCHEMA);
    print_field("view", view.name, out);
    fputs(", ", out);
    print_field("unit", view.unit, out);
    fprintf(out, ", \"by\": \"%s\",\n", summary_by_names[summary->by]);
    if (is_diff) {
        fputs("\"old\": ", out);
        print_file(summary, HEAPPROFILE_OLD, out);
        fputs(",\n", out);
    }
    fprintf(out, "\"%s\": ", is_diff ? "new" : "profile");
    print_file(summary, HEAPPROFILE_NEW, out);
    int same = heapprofile_diff_same_process(summary->diff);
    if (same >= 0)
        fprintf(out, ",\n\"same_process\": %s", same ? "true" : "false");
    fputs(",\n\"rows\": [", out);
    for (uint32_t i = 0; i < summary->count; i++) {
        struct heapprofile_row row = heapprofile_diff_row(summary->diff, summary->order[i]);
        fputs(i ? ",\n{" : "\n{", out);
        print_field("name", row.name, out);
        fputs(", ", out);
        print_field("file", row.file, out);
        fprintf(out, ", \"line\": %ld", (long)row.line);
        print_change("flat", summary, summary->order[i], HEAPPROFILE_FLAT, out);
        print_change("cum", summary, summary->order[i], HEAPPROFILE_CUM, out);
        fputs("}", out);
    }
    fputs("\n]}\n", out);
}
