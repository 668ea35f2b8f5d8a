/* Locks, allocation: none. */
#include "cli/gate.h"

#include <fnmatch.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/units.h"
#include "cli/quantity.h"

static bool fail(const char *text, const char *why, struct heapprofile_error *error) {
    char shown[200];
    text_clean(shown, sizeof shown, text);
    snprintf(error->text, sizeof error->text, "bad value '%s' for '--fail-above': %s", shown, why);
    return false;
}

static bool parse_limit(struct gate *gate, const char *limit) {
    char *end;
    uint64_t bytes;
    gate->is_percent = strchr(limit, '%') != NULL;
    if (!gate->is_percent) {
        bool ok = units_parse_bytes(limit, &bytes);
        gate->limit = (double)bytes;
        return ok;
    }
    gate->limit = strtod(limit, &end);
    return end > limit && strcmp(end, "%") == 0 && isfinite(gate->limit) && gate->limit >= 0;
}

bool gate_parse(struct gate *gate, const char *text, struct heapprofile_error *error) {
    const char *equals = strrchr(text, '='), *colon = strchr(text, ':');
    *gate = (struct gate){.text = text};
    if (!equals || equals == text)
        return fail(text, "VIEW=LIMIT or VIEW:PATTERN=LIMIT is needed", error);
    const char *view_end = colon && colon < equals ? colon : equals;
    size_t view = (size_t)(view_end - text), pattern = view_end < equals ? (size_t)(equals - view_end - 1) : 0;
    if (!view || view >= sizeof gate->view || pattern >= sizeof gate->pattern)
        return fail(text, "VIEW=LIMIT or VIEW:PATTERN=LIMIT is needed", error);
    memcpy(gate->view, text, view);
    if (pattern)
        memcpy(gate->pattern, view_end + 1, pattern);
    return parse_limit(gate, equals + 1) || fail(text, "its limit is no size, number or percentage", error);
}

static bool is_breach(const struct gate *gate, const struct heapprofile_change *change) {
    if (change->delta <= 0 || change->verdict == HEAPPROFILE_NOISE || change->verdict == HEAPPROFILE_SAME)
        return false;
    double grown = (double)change->delta;
    return grown > (gate->is_percent ? fabs((double)change->before) * gate->limit / 100 : gate->limit);
}

static void describe(const struct gate *gate, const struct heapprofile_change *change, const char *name,
                     const char *unit, FILE *out) {
    enum { SHOWN = 512 };
    char shown[SHOWN], text[SHOWN], size[QUANTITY_SIZE], percent[QUANTITY_SIZE], half[QUANTITY_SIZE];
    enum quantity_kind kind = quantity_kind_of(unit);
    text_clean(shown, sizeof shown, name);
    text_clean(text, sizeof text, gate->text);
    fprintf(out, "heapdiff: gate '%s' failed: %s: %s", text, shown, quantity_format(size, kind, change->delta, true));
    fprintf(out, " (%s", quantity_change(percent, change->before, change->after));
    double wide = fmax(change->high - (double)change->delta, (double)change->delta - change->low);
    if (change->verdict == HEAPPROFILE_CHANGED && wide < 0x1p62)
        fprintf(out, ", +-%s", quantity_format(half, kind, (int64_t)wide, false));
    fputs(")\n", out);
}

size_t gate_check(const struct gate *gate, struct heapprofile_diff *diff, uint32_t view,
                  enum heapprofile_measure measure, FILE *out) {
    const char *unit = heapprofile_diff_view(diff, view).unit;
    size_t breaches = 0;
    if (!*gate->pattern) {
        struct heapprofile_change total = heapprofile_diff_total(diff, view);
        if (is_breach(gate, &total))
            describe(gate, &total, "total", unit, out);
        return is_breach(gate, &total);
    }
    for (uint32_t i = 0; i < heapprofile_diff_rows(diff); i++) {
        struct heapprofile_change change = heapprofile_diff_change(diff, i, view, measure);
        if (!is_breach(gate, &change))
            continue;
        const char *name = heapprofile_diff_row(diff, i).name;
        if (fnmatch(gate->pattern, name, 0) != 0)
            continue;
        describe(gate, &change, name, unit, out);
        breaches++;
    }
    return breaches;
}
