/* Numbers are written in full here, so that they can be put into a calculator. Sentences are wrapped at the width of
 * the terminal, in a pipe at PIPE_WIDTH. Locks: none. Allocates with malloc. */
#include "cli/explain.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/columns.h"
#include "cli/quantity.h"
#include "cli/title.h"

enum { PIPE_WIDTH = 80, MOST_WIDTH = 100, NAME_BYTES = 64 * 1024, SENTENCE = 1000 };

struct writer {
    const struct summary *summary;
    FILE *out;
    size_t width;
    enum quantity_kind kind;
    const char *unit;
};

/* Writes a paragraph of words, wrapped. */
static void say(const struct writer *writer, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(const struct writer *writer, const char *format, ...) {
    char text[SENTENCE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    size_t used = 0;
    char *rest = text;
    for (char *word; (word = strsep(&rest, " ")) != NULL;) {
        size_t columns = columns_count(word);
        bool fits = used + 1 + columns <= writer->width;
        fprintf(writer->out, "%s%s", !used ? "" : fits ? " " : "\n", word);
        used = (fits && used ? used + 1 : 0) + columns;
    }
    fputc('\n', writer->out);
}

/* "+7864320 bytes (+7.50Mi)" */
static const char *whole(const struct writer *writer, int64_t value, bool with_sign, char out[80]) {
    char short_form[QUANTITY_SIZE];
    quantity_format(short_form, writer->kind, value, with_sign);
    with_sign = with_sign && value > 0; /* the other sign comes by itself */
    if (strpbrk(short_form, "KMGTPEkmu"))
        snprintf(out, 80, with_sign ? "%+" PRId64 " %.20s (%s)" : "%" PRId64 " %.20s (%s)", value, writer->unit,
                 short_form);
    else
        snprintf(out, 80, with_sign ? "%+" PRId64 " %.20s" : "%" PRId64 " %.20s", value, writer->unit);
    return out;
}

static const char *amount(const struct writer *writer, double value, bool with_sign, char out[80]) {
    double rounded = round(value);
    return whole(writer,
                 rounded >= 0x1p63    ? INT64_MAX
                 : rounded <= -0x1p63 ? INT64_MIN
                                      : (int64_t)rounded,
                 with_sign, out);
}

static void explain_side(const struct writer *writer, const char *lead, const struct heapprofile_side_evidence *side) {
    char text[80], unseen[80];
    if (side->samples > 0)
        say(writer, "%s: %s, from %.0f recorded objects; variance %.6g, standard error %.6g.", lead,
            amount(writer, side->value, false, text), side->samples, side->variance, sqrt(side->variance));
    else
        say(writer, "%s: nothing was recorded; one object more would have been about %s.", lead,
            amount(writer, side->unseen, false, unseen));
    if (side->unknown > 0)
        say(writer, "Of this, %s could not be read back as whole samples.", amount(writer, side->unknown, false, text));
}

static bool is_runs(const struct writer *writer) {
    return writer->summary->pair.runs[HEAPPROFILE_OLD].count + writer->summary->pair.runs[HEAPPROFILE_NEW].count > 2;
}

static void explain_test(const struct writer *writer, const struct heapprofile_evidence *evidence) {
    if (is_runs(writer)) {
        say(writer, "Test: %s, of %zu runs of OLD and %zu of NEW. OLD and NEW are the means of the runs.",
            evidence->test, writer->summary->pair.runs[HEAPPROFILE_OLD].count,
            writer->summary->pair.runs[HEAPPROFILE_NEW].count);
        return;
    }
    explain_side(writer, "OLD", &evidence->sides[HEAPPROFILE_OLD]);
    explain_side(writer, "NEW", &evidence->sides[HEAPPROFILE_NEW]);
    if (evidence->is_one_process) {
        say(writer, "Both files are of one process: what is in both cancels, and what came between them stands against "
                    "what went, each at its bound.");
        explain_side(writer, "Came", &evidence->more);
        explain_side(writer, "Went", &evidence->less);
    }
    say(writer, "Test: %s. As counts of equal samples, value squared / variance, %s is %.4g and %s is %.4g.",
        evidence->test, evidence->is_one_process ? "what came" : "NEW", evidence->more_count,
        evidence->is_one_process ? "what went" : "OLD", evidence->less_count);
}

static void explain_verdict(const struct writer *writer, const struct heapprofile_change *change,
                            const struct heapprofile_evidence *evidence) {
    double level = 1 - writer->summary->confidence;
    char low[80], high[80];
    if (change->verdict == HEAPPROFILE_UNKNOWN || evidence->why) {
        say(writer, "Whether this is more than sampling noise cannot be said: %s.",
            evidence->why ? evidence->why : "there is no verdict");
        return;
    }
    say(writer, "Verdict: %s.",
        change->verdict == HEAPPROFILE_CHANGED ? "changed, by more than sampling noise"
        : change->verdict == HEAPPROFILE_NOISE ? "~, sampling noise alone could have done it"
                                               : "the same on both sides");
    if (!change->before && !change->after)
        return;
    explain_test(writer, evidence);
    if (!isfinite(change->low) || !isfinite(change->high))
        say(writer, "Of how large the change is nothing can be said at %.6g%%.", writer->summary->confidence * 100);
    else
        say(writer, "Interval of the change, %.6g%%: %s to %s.", writer->summary->confidence * 100,
            amount(writer, change->low, true, low), amount(writer, change->high, true, high));
    say(writer,
        "p = %.3g: so likely is a difference as large as this one, if nothing changed. q = %.3g: p after Benjamini and "
        "Hochberg, over all rows of this view. A row has changed when q is at most %.4g.",
        change->p, change->q, level);
    if (evidence->least_p > level)
        say(writer,
            "So few samples could not have shown a change, however they had fallen: the smallest p they can give "
            "is %.3g.",
            evidence->least_p);
}

static bool explain_row(const struct writer *writer, uint32_t index) {
    const struct summary *summary = writer->summary;
    struct heapprofile_row row = heapprofile_diff_row(summary->diff, index);
    struct heapprofile_change change = summary_change(summary, index);
    struct heapprofile_evidence evidence =
        heapprofile_diff_evidence(summary->diff, index, summary->view, summary->measure);
    char raw[SUMMARY_PLACE_SIZE], place[SUMMARY_PLACE_SIZE], percent[QUANTITY_SIZE];
    char before[80], after[80], delta[80], view[80];
    char *name = malloc(NAME_BYTES);
    if (!name)
        return false;
    text_clean(name, NAME_BYTES, row.name);
    summary_place(&row, raw);
    text_clean(place, sizeof place, raw);
    text_clean(view, sizeof view, heapprofile_diff_view(summary->diff, summary->view).name);
    term_shorten(name, writer->width);
    if (*place && columns_count(name) + 2 + columns_count(place) <= writer->width)
        fprintf(writer->out, "%s  %s\n", name, place);
    else
        fprintf(writer->out, "%s\n", name);
    free(name);
    quantity_change(percent, change.before, change.after);
    say(writer, "%s, %s: OLD %s, NEW %s, change %s%s%s.", view, summary->measure == HEAPPROFILE_CUM ? "cum" : "flat",
        whole(writer, change.before, false, before), whole(writer, change.after, false, after),
        whole(writer, change.delta, true, delta), *percent ? ", " : "", percent);
    explain_verdict(writer, &change, &evidence);
    return true;
}

/* A name that holds what was asked for is what may have been meant. */
static bool fail_name(const struct summary *summary, struct heapprofile_error *error) {
    char shown[200], near[200];
    text_clean(shown, sizeof shown, summary->subject);
    for (uint32_t i = 0; i < summary->count; i++) {
        struct heapprofile_row row = heapprofile_diff_row(summary->diff, summary->order[i]);
        if (!*summary->subject || !strstr(row.name, summary->subject))
            continue;
        text_clean(near, sizeof near, row.name);
        snprintf(error->text, sizeof error->text, "no %s is called '%s'; did you mean '%s'?",
                 summary_by_names[summary->by], shown, near);
        return false;
    }
    snprintf(error->text, sizeof error->text, "no %s is called '%s'", summary_by_names[summary->by], shown);
    return false;
}

bool explain_print(const struct summary *summary, const struct term *term, FILE *out, struct heapprofile_error *error) {
    struct heapprofile_view view = heapprofile_diff_view(summary->diff, summary->view);
    char unit[QUANTITY_SIZE];
    struct writer writer = {.summary = summary, .out = out, .kind = quantity_kind_of(view.unit), .unit = unit};
    bool is_found = false, ok = true;
    text_clean(unit, sizeof unit, strcmp(view.unit, "count") == 0 ? "objects" : view.unit);
    writer.width = !term->width ? PIPE_WIDTH : term->width < MOST_WIDTH ? term->width : MOST_WIDTH;
    if (!summary_is_diff(summary)) {
        snprintf(error->text, sizeof error->text, "'--explain' needs two profiles");
        return false;
    }
    for (uint32_t i = 0; ok && i < summary->count; i++) {
        if (strcmp(heapprofile_diff_row(summary->diff, summary->order[i]).name, summary->subject) != 0)
            continue;
        if (!is_found)
            title_print(summary, term, out);
        fputs(is_found ? "\n" : "", out);
        is_found = true;
        ok = explain_row(&writer, summary->order[i]);
    }
    return is_found ? ok : fail_name(summary, error);
}
