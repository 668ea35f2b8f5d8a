/* Locks: none. Allocates nothing. */
#include "cli/title.h"

#include <math.h>
#include <string.h>

#include "base/text.h"
#include "base/wrap.h"
#include "cli/columns.h"
#include "cli/quantity.h"

enum { INDENT = 2 };

struct line {
    FILE *out;
    size_t width; /* 0 = no limit */
    size_t used;
};

/* Adds a piece, which is cut where it is longer than a line, on the next line where there is no room on this one.
 * Separators end with blanks, which are left out at the end of a line. */
static void add(struct line *line, const char *separator, char *piece) {
    size_t most = line->width > INDENT ? line->width - INDENT : 0;
    size_t columns = most ? term_cut(piece, most) : columns_count(piece), gap = strlen(separator);
    bool is_joined = strchr(separator, '>') != NULL; /* an arrow goes with what follows it */
    if (line->width && line->used && line->used + gap + columns + 1 > line->width) {
        const char *arrow = is_joined && INDENT + 3 + columns <= line->width ? "-> " : "";
        fprintf(line->out, "%s\n%*s%s", *separator == ',' ? "," : "", INDENT, "", arrow);
        line->used = INDENT + strlen(arrow);
        gap = 0;
    } else {
        fputs(separator, line->out);
    }
    fputs(piece, line->out);
    line->used += gap + columns;
}

char *title_paths(const struct summary *summary, enum heapprofile_side side, char out[TITLE_PATHS_SIZE]) {
    const char *path = heapprofile_facts(summary_file(summary, side)).name;
    size_t others = summary->pair.runs[side].count - 1;
    text_clean(out, TITLE_PATHS_SIZE - 40, strcmp(path, "-") == 0 ? "stdin" : path);
    if (others)
        sprintf(out + strlen(out), " and %zu more", others);
    return out;
}

static void join(char *out, const char *fact) {
    size_t used = strlen(out);
    snprintf(out + used, TITLE_FACTS_SIZE - used, "%s%s", used ? ", " : "", fact);
}

char *title_facts(const struct summary *summary, char out[TITLE_FACTS_SIZE]) {
    bool has_old = summary_is_diff(summary);
    struct heapprofile_facts after = heapprofile_facts(summary_file(summary, HEAPPROFILE_NEW));
    struct heapprofile_facts before = has_old ? heapprofile_facts(summary_file(summary, HEAPPROFILE_OLD)) : after;
    char text[100], size[QUANTITY_SIZE], other[QUANTITY_SIZE];
    out[0] = 0;
    if (after.rate > 0 && before.rate > 0) {
        snprintf(text, sizeof text, "rate %s", quantity_format(size, QUANTITY_BYTES, before.rate, false));
        if (after.rate != before.rate)
            sprintf(text + strlen(text), " -> %s", quantity_format(other, QUANTITY_BYTES, after.rate, false));
        join(out, text);
    }
    int same = heapprofile_diff_same_process(summary->diff);
    if (same >= 0)
        join(out, same ? "same process" : "different processes");
    if (before.time_nanos > 0 && after.time_nanos > 0 && before.time_nanos != after.time_nanos) {
        int64_t apart = wrap_subtract(after.time_nanos, before.time_nanos);
        snprintf(text, sizeof text, "%s apart", quantity_duration(size, apart));
        join(out, text);
    }
    size_t first_new = summary->pair.runs[HEAPPROFILE_OLD].count;
    double scale = heapprofile_diff_scales(summary->diff, first_new)[summary->view];
    if (scale != 1 && summary->pair.runs[HEAPPROFILE_NEW].count == 1) {
        snprintf(text, sizeof text, "NEW x %.4g", scale);
        join(out, text);
    }
    return out;
}

void title_print(const struct summary *summary, const struct term *term, FILE *out) {
    struct line line = {.out = out, .width = term->width};
    char piece[TITLE_PATHS_SIZE], facts[TITLE_FACTS_SIZE];
    bool has_old = summary_is_diff(summary);
    text_clean(piece, sizeof piece - 10,
               summary->with_all_views ? "all views" : heapprofile_diff_view(summary->diff, summary->view).name);
    strcat(piece, summary->measure == HEAPPROFILE_CUM && has_old ? " (cum)" : "");
    add(&line, "", piece);
    if (has_old)
        add(&line, "  ", title_paths(summary, HEAPPROFILE_OLD, piece));
    add(&line, has_old ? " -> " : "  ", title_paths(summary, HEAPPROFILE_NEW, piece));
    char *rest = title_facts(summary, facts);
    const char *separator = "   ";
    for (char *fact; (fact = strsep(&rest, ",")) != NULL && *fact; separator = ", ")
        add(&line, separator, fact + strspn(fact, " "));
    fputs("\n\n", out);
}
