/* One line a row and view, so that the columns are the same whichever views a file has:
 *
 *   view,unit,name,file,line,flat_old,flat_new,flat_delta,flat_low,flat_high,flat_p,flat_q,flat_verdict,cum_old,...
 *   view,unit,name,file,line,flat,cum                                                    of one profile
 *
 * A spreadsheet takes a text that begins with = + - or @ for a formula, and what a symbol is called is not for us to
 * say: such a text gets an apostrophe in front, which spreadsheets do not show. Control characters are replaced, so a
 * record is one line. Locks: none. Allocates with malloc. */
#include "cli/csv.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/quantity.h"

static bool print_text(const char *text, FILE *out) {
    size_t size = strlen(text) + 1;
    char *clean = malloc(size);
    if (!clean)
        return false;
    text_clean(clean, size, text);
    bool is_quoted = strpbrk(clean, ",\"") || clean[0] == ' ' || (*clean && clean[strlen(clean) - 1] == ' ');
    fputs(is_quoted ? "\"" : "", out);
    if (*clean && strchr("=+-@", clean[0]))
        fputc('\'', out);
    for (const char *p = clean; *p; p++) {
        if (*p == '"')
            fputc('"', out);
        fputc(*p, out);
    }
    fputs(is_quoted ? "\"" : "", out);
    free(clean);
    return true;
}

static void print_number(double number, FILE *out) {
    char text[QUANTITY_SIZE];
    fprintf(out, ",%s", quantity_estimate(text, number));
}

static void print_change(const struct summary *summary, const struct heapprofile_change *change, FILE *out) {
    static const char *const verdicts[] = {[HEAPPROFILE_SAME] = "same",
                                           [HEAPPROFILE_CHANGED] = "changed",
                                           [HEAPPROFILE_NOISE] = "noise",
                                           [HEAPPROFILE_UNKNOWN] = "unknown"};
    if (!summary_is_diff(summary)) {
        fprintf(out, ",%" PRId64, change->after);
        return;
    }
    bool is_known = change->verdict != HEAPPROFILE_UNKNOWN;
    fprintf(out, ",%" PRId64 ",%" PRId64 ",%" PRId64, change->before, change->after, change->delta);
    print_number(is_known ? change->low : NAN, out);
    print_number(is_known ? change->high : NAN, out);
    print_number(is_known ? change->p : NAN, out);
    print_number(is_known ? change->q : NAN, out);
    fprintf(out, ",%s", verdicts[change->verdict]);
}

static bool print_row(const struct summary *summary, uint32_t index, uint32_t number, FILE *out) {
    struct heapprofile_view view = heapprofile_diff_view(summary->diff, number);
    struct heapprofile_row row = heapprofile_diff_row(summary->diff, index);
    struct heapprofile_change flat = heapprofile_diff_change(summary->diff, index, number, HEAPPROFILE_FLAT);
    struct heapprofile_change cum = heapprofile_diff_change(summary->diff, index, number, HEAPPROFILE_CUM);
    bool ok = print_text(view.name, out);
    fputc(',', out);
    ok = ok && print_text(view.unit, out);
    fputc(',', out);
    ok = ok && print_text(row.name, out);
    fputc(',', out);
    ok = ok && print_text(row.file, out);
    fprintf(out, ",%" PRId64, row.line);
    print_change(summary, &flat, out);
    print_change(summary, &cum, out);
    fputs("\r\n", out);
    return ok;
}

static void print_heads(const struct summary *summary, FILE *out) {
    static const char *const measures[] = {"flat", "cum"};
    fputs("view,unit,name,file,line", out);
    for (int i = 0; i < 2; i++) {
        const char *m = measures[i];
        if (summary_is_diff(summary))
            fprintf(out, ",%s_old,%s_new,%s_delta,%s_low,%s_high,%s_p,%s_q,%s_verdict", m, m, m, m, m, m, m, m);
        else
            fprintf(out, ",%s", m);
    }
    fputs("\r\n", out);
}

bool csv_print(const struct summary *summary, const struct term *term, FILE *out, struct heapprofile_error *error) {
    bool ok = true;
    (void)term, (void)error;
    print_heads(summary, out);
    for (uint32_t i = 0; ok && i < summary->count; i++) {
        uint32_t views = summary->with_all_views ? summary->views : 1;
        for (uint32_t v = 0; ok && v < views; v++)
            ok = print_row(summary, summary->order[i], summary->with_all_views ? v : summary->view, out);
    }
    return ok;
}
