/* The rows that match, in the order of cum, at most as many as rows are asked for; so are the callers and callees of
 * each. A row's line has its cum, the line "itself" its flat, the others what the samples with that call add up to,
 * each counted once. Locks: none. Allocates with malloc. */
#include "cli/peek.h"

#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/wrap.h"
#include "cli/grid.h"
#include "cli/title.h"

enum { OLD, NEW, DELTA, PERCENT };
enum kind { CALLER, ROW, ITSELF, CALLEE, OTHERS, BLANK };

struct entry {
    enum kind kind;
    uint32_t row; /* OTHERS: how many */
    struct heapprofile_change change;
};

struct peek {
    const struct summary *summary;
    enum quantity_kind quantity;
    struct entry *entries;
    size_t count, room;
    char others[40];
};

static bool add(struct peek *peek, enum kind kind, uint32_t row, struct heapprofile_change change) {
    if (peek->count == peek->room) {
        size_t room = peek->room * 2 + 64;
        struct entry *larger = reallocarray(peek->entries, room, sizeof *larger);
        if (!larger)
            return false;
        peek->entries = larger;
        peek->room = room;
    }
    peek->entries[peek->count++] = (struct entry){kind, row, change};
    return true;
}

static bool add_links(struct peek *peek, enum kind kind, const struct heapprofile_link *links, uint32_t count) {
    uint64_t most = peek->summary->most_rows ? peek->summary->most_rows : UINT64_MAX;
    const struct heapprofile_change nothing = {.verdict = HEAPPROFILE_UNKNOWN};
    for (uint32_t i = 0; i < count && i < most; i++) {
        struct heapprofile_change change = {.before = links[i].values[HEAPPROFILE_OLD],
                                            .after = links[i].values[HEAPPROFILE_NEW],
                                            .verdict = HEAPPROFILE_UNKNOWN};
        change.delta = wrap_subtract(change.after, change.before);
        if ((change.before || change.after) && !add(peek, kind, links[i].row, change))
            return false;
    }
    return count <= most || add(peek, OTHERS, count - (uint32_t)most, nothing);
}

static bool add_row(struct peek *peek, uint32_t row) {
    const struct summary *summary = peek->summary;
    struct heapprofile_links links;
    struct heapprofile_change flat = heapprofile_diff_change(summary->diff, row, summary->view, HEAPPROFILE_FLAT);
    struct heapprofile_change cum = heapprofile_diff_change(summary->diff, row, summary->view, HEAPPROFILE_CUM);
    if (!heapprofile_diff_links(summary->diff, row, summary->view, &links))
        return false;
    bool ok = (!peek->count || add(peek, BLANK, 0, cum)) &&
              add_links(peek, CALLER, links.callers, links.caller_count) && add(peek, ROW, row, cum) &&
              (!(flat.before || flat.after) || add(peek, ITSELF, row, flat)) &&
              add_links(peek, CALLEE, links.callees, links.callee_count);
    heapprofile_links_free(&links);
    return ok;
}

static bool fail_regex(const struct summary *summary, const regex_t *regex, int code, struct heapprofile_error *error) {
    char shown[200], why[200];
    text_clean(shown, sizeof shown, summary->subject);
    regerror(code, regex, why, sizeof why);
    snprintf(error->text, sizeof error->text, "bad expression '%s' for '--peek': %s", shown, why);
    return false;
}

/* Gathers the lines of all rows that match. */
static bool gather(struct peek *peek, const regex_t *regex, struct heapprofile_error *error) {
    const struct summary *summary = peek->summary;
    uint64_t found = 0, most = summary->most_rows ? summary->most_rows : UINT64_MAX;
    char shown[200];
    for (uint32_t i = 0; i < summary->count; i++) {
        struct heapprofile_row row = heapprofile_diff_row(summary->diff, summary->order[i]);
        if (regexec(regex, row.name, 0, NULL, 0) == 0 && found++ < most && !add_row(peek, summary->order[i]))
            return false;
    }
    if (found > most)
        fprintf(stderr, "heapdiff: warning: %lu more match; see '--rows'\n", (unsigned long)(found - most));
    if (found)
        return true;
    text_clean(shown, sizeof shown, summary->subject);
    snprintf(error->text, sizeof error->text, "no %s matches '%s'", summary_by_names[summary->by], shown);
    return false;
}

static void fill_numbers(const struct peek *peek, const struct heapprofile_change *change, struct grid_line *line) {
    if (!summary_is_diff(peek->summary)) {
        int64_t whole = (int64_t)heapprofile_diff_magnitude(peek->summary->diff, HEAPPROFILE_NEW, peek->summary->view);
        quantity_format(line->cells[0], peek->quantity, change->after, false);
        quantity_share(line->cells[1], change->after, whole);
        return;
    }
    quantity_format(line->cells[OLD], peek->quantity, change->before, false);
    quantity_format(line->cells[NEW], peek->quantity, change->after, false);
    if (change->verdict == HEAPPROFILE_NOISE) {
        strcpy(line->cells[DELTA], "~");
        return;
    }
    quantity_format(line->cells[DELTA], peek->quantity, change->delta, true);
    quantity_change(line->cells[PERCENT], change->before, change->after);
    line->signs[DELTA] = line->signs[PERCENT] = (signed char)(change->delta > 0 ? 1 : change->delta < 0 ? -1 : 0);
}

static void fill(void *context, size_t index, struct grid_line *line) {
    static const char *const leads[] = {[CALLER] = "called by ", [CALLEE] = "calls "};
    struct peek *peek = context;
    const struct entry *entry = &peek->entries[index];
    line->indent = entry->kind != ROW;
    switch (entry->kind) {
    case BLANK:
        line->is_blank = true;
        return;
    case OTHERS:
        snprintf(peek->others, sizeof peek->others, "[%u more]", entry->row);
        line->name = peek->others;
        return;
    case ITSELF:
        line->name = "itself";
        break;
    default: {
        struct heapprofile_row row = heapprofile_diff_row(peek->summary->diff, entry->row);
        line->lead = entry->kind == ROW ? NULL : leads[entry->kind];
        grid_name(line, &row);
    }
    }
    fill_numbers(peek, &entry->change, line);
}

static void add_columns(const struct peek *peek, struct grid *grid) {
    bool is_diff = summary_is_diff(peek->summary);
    grid_add(grid, "", is_diff ? "OLD" : "CUM", is_diff ? 1 : 0, false);
    grid_add(grid, "", is_diff ? "NEW" : "CUM%", is_diff ? 0 : 1, false);
    if (!is_diff)
        return;
    grid_add(grid, "", "DELTA", 0, true);
    grid_add(grid, "", "%", 2, true);
}

bool peek_print(const struct summary *summary, const struct term *term, FILE *out, struct heapprofile_error *error) {
    struct peek peek = {.summary = summary,
                        .quantity = quantity_kind_of(heapprofile_diff_view(summary->diff, summary->view).unit)};
    struct grid grid = {.term = term, .out = out, .name_head = summary_by_names[summary->by]};
    regex_t regex;
    if (summary->by == HEAPPROFILE_BY_STACK || summary->by == HEAPPROFILE_BY_LABEL) {
        snprintf(error->text, sizeof error->text, "'--peek' is not for rows by %s", summary_by_names[summary->by]);
        return false;
    }
    int code = regcomp(&regex, summary->subject, REG_EXTENDED | REG_NOSUB);
    if (code)
        return fail_regex(summary, &regex, code, error);
    bool ok = gather(&peek, &regex, error);
    regfree(&regex);
    if (ok) {
        title_print(summary, term, out);
        add_columns(&peek, &grid);
        ok = grid_print(&grid, peek.count, fill, &peek);
    }
    free(peek.entries);
    return ok;
}
