/* Written as it goes, one row a line, so that diff(1) and grep(1) work on it too. Locks: none. */
#include "cli/json.h"

#include <string.h>

#include "cli/quantity.h"

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

static void print_file(const struct summary *summary, enum view_side side, FILE *out) {
    const struct loaded *file = summary->files[side];
    fputs("{", out);
    print_field("path", file->path, out);
    fprintf(out, ", \"total\": %ld, \"rate\": %ld, \"time_nanos\": %ld, \"duration_nanos\": %ld}",
            (long)summary->view->total[side], (long)summary_rate(&file->profile), (long)file->profile.time_nanos,
            (long)file->profile.duration_nanos);
}

static void print_values(const char *key, const int64_t *values, bool is_diff, FILE *out) {
    if (is_diff)
        fprintf(out, ", \"%s\": {\"old\": %ld, \"new\": %ld, \"delta\": %ld}", key, (long)values[VIEW_OLD],
                (long)values[VIEW_NEW], (long)quantity_subtract(values[VIEW_NEW], values[VIEW_OLD]));
    else
        fprintf(out, ", \"%s\": %ld", key, (long)values[VIEW_NEW]);
}

bool json_print(const struct summary *summary, FILE *out) {
    bool is_diff = summary->rule.is_diff;
    fprintf(out, "{\"schema\": %d, ", SCHEMA);
    print_field("view", summary->sample_type, out);
    fputs(", ", out);
    print_field("unit", summary->unit, out);
    fprintf(out, ", \"by\": \"%s\",\n", summary_by_names[summary->view->by]);
    if (is_diff) {
        fputs("\"old\": ", out);
        print_file(summary, VIEW_OLD, out);
        fputs(",\n", out);
    }
    fprintf(out, "\"%s\": ", is_diff ? "new" : "profile");
    print_file(summary, VIEW_NEW, out);
    int same = summary_same_process(summary);
    if (same >= 0)
        fprintf(out, ",\n\"same_process\": %s", same ? "true" : "false");
    fputs(",\n\"rows\": [", out);
    for (uint32_t i = 0; i < summary->rank.count; i++) {
        uint32_t index = summary->rank.order[i];
        const struct view_row *row = &summary->view->rows[index];
        const char *name = view_name(summary->view, index);
        if (!name)
            return false;
        fputs(i ? ",\n{" : "\n{", out);
        print_field("name", name, out);
        fputs(", ", out);
        print_field("file", row->file, out);
        fprintf(out, ", \"line\": %ld", (long)row->line);
        print_values("flat", row->flat, is_diff, out);
        print_values("cum", row->cum, is_diff, out);
        fputs("}", out);
    }
    fputs("\n]}\n", out);
    return true;
}
