/*   `inuse_space` **grew**: +7.94Mi (+53%, +-2.30Mi); 3 functions changed, 41 within noise      summary
 *
 *   `old.pb.gz` to `new.pb.gz`: rate 512Ki, same process                                        files
 *
 *   | Affected function | Baseline | Current | Change | Verdict |                               what changed
 *   <details><summary>41 others: +210Ki</summary> ... </details>                                the rest, bounded
 *
 * Names are untrusted, and this text is shown to others, as markup, by a site that turns @names into messages to
 * people. Between backquotes nothing of a name is markup. A name that holds a backquote, or a bar or backslash, which a
 * table takes for its own first, stands in a <code> element with all its punctuation as character references.
 * Locks: none. Allocates with malloc. */
#include "cli/markdown.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/columns.h"
#include "cli/quantity.h"
#include "cli/table.h"
#include "cli/title.h"

/* A site refuses a comment of more than 65,536 characters. */
enum { MOST_NAME = 200, MOST_DETAILS = 100, TEXT_BYTES = 64 * 1024 };

struct page {
    const struct summary *summary;
    FILE *out;
    enum quantity_kind kind;
    char *text; /* TEXT_BYTES */
};

static void print_references(const char *text, FILE *out) {
    fputs("<code>", out);
    for (const char *p = text; *p; p++)
        if (ispunct((unsigned char)*p))
            fprintf(out, "&#%d;", *p);
        else
            fputc(*p, out);
    fputs("</code>", out);
}

static void print_code(const struct page *page, const char *text) {
    text_clean(page->text, TEXT_BYTES, text);
    term_shorten(page->text, MOST_NAME);
    bool is_isolated = columns_has_right_to_left(page->text);
    fputs(is_isolated ? "\342\201\250" : "", page->out);
    if (!*page->text)
        fputs("?", page->out);
    else if (strpbrk(page->text, "`|\\") || page->text[0] == ' ')
        print_references(page->text, page->out);
    else
        fprintf(page->out, "`%s`", page->text);
    fputs(is_isolated ? "\342\201\251" : "", page->out);
}

static const char *find_verdict(const struct heapprofile_change *change) {
    if (change->verdict == HEAPPROFILE_NOISE)
        return "~ within noise";
    if (!change->delta)
        return "same";
    if (!change->before || !change->after)
        return change->before ? "gone" : "new";
    return change->delta > 0 ? "grew" : "shrank";
}

/* "+7.50Mi (+62%, +-1.90Mi)" */
static void print_amount(const struct page *page, const struct heapprofile_change *change) {
    char text[QUANTITY_SIZE], percent[QUANTITY_SIZE] = "", interval[QUANTITY_SIZE] = "";
    int64_t half;
    fputs(quantity_format(text, page->kind, change->delta, true), page->out);
    if (change->before && change->after)
        quantity_change(percent, change->before, change->after);
    if (change->delta && summary_half_interval(change, &half))
        quantity_format(interval, page->kind, half, false);
    if (*percent || *interval)
        fprintf(page->out, " (%s%s%s%s)", percent, *percent && *interval ? ", " : "", *interval ? "±" : "", interval);
}

static void print_heads(const struct page *page, const char *lead) {
    const char *what = summary_by_names[page->summary->by];
    if (summary_is_diff(page->summary))
        fprintf(page->out, "| %s%s | Baseline | Current | Change | Verdict |\n|:--|--:|--:|--:|:--|\n", lead, what);
    else
        fprintf(page->out, "| %s%s | Flat | Flat%% | Cum | Cum%% |\n|:--|--:|--:|--:|--:|\n", lead, what);
}

static void print_values(const struct page *page, int64_t flat, int64_t cum) {
    const struct summary *summary = page->summary;
    int64_t whole = (int64_t)heapprofile_diff_magnitude(summary->diff, HEAPPROFILE_NEW, summary->view);
    char text[4][QUANTITY_SIZE];
    fprintf(page->out, " | %s | %s | %s | %s |\n", quantity_format(text[0], page->kind, flat, false),
            quantity_share(text[1], flat, whole), quantity_format(text[2], page->kind, cum, false),
            quantity_share(text[3], cum, whole));
}

static void print_change(const struct page *page, const struct heapprofile_change *change) {
    char text[2][QUANTITY_SIZE];
    fprintf(page->out, " | %s | %s | ", quantity_format(text[0], page->kind, change->before, false),
            quantity_format(text[1], page->kind, change->after, false));
    print_amount(page, change);
    fprintf(page->out, " | %s |\n", find_verdict(change));
}

static void print_row(const struct page *page, uint32_t index) {
    const struct summary *summary = page->summary;
    struct heapprofile_row row = heapprofile_diff_row(summary->diff, index);
    char place[SUMMARY_PLACE_SIZE];
    fputs("| ", page->out);
    print_code(page, row.name);
    summary_place(&row, place);
    if (*place && !row.has_other_files) {
        fputc(' ', page->out);
        print_code(page, place);
    }
    if (summary_is_diff(summary)) {
        struct heapprofile_change change = summary_change(summary, index);
        print_change(page, &change);
    } else {
        print_values(page, heapprofile_diff_change(summary->diff, index, summary->view, HEAPPROFILE_FLAT).after,
                     heapprofile_diff_change(summary->diff, index, summary->view, HEAPPROFILE_CUM).after);
    }
}

static void print_total(const struct page *page) {
    struct heapprofile_change total = heapprofile_diff_total(page->summary->diff, page->summary->view);
    fputs("| **Total**", page->out);
    if (summary_is_diff(page->summary))
        print_change(page, &total);
    else
        print_values(page, total.after, total.after);
}

/* How many rows changed, and how many might have by sampling alone. */
static void count_rows(const struct page *page, size_t *changed, size_t *noise) {
    const struct summary *summary = page->summary;
    *changed = *noise = 0;
    for (uint32_t i = 0; i < summary->count; i++) {
        struct heapprofile_change change = summary_change(summary, summary->order[i]);
        *noise += change.verdict == HEAPPROFILE_NOISE;
        *changed += change.delta && change.verdict != HEAPPROFILE_NOISE;
    }
}

static void print_short(const struct page *page) {
    const struct summary *summary = page->summary;
    struct heapprofile_change total = heapprofile_diff_total(summary->diff, summary->view);
    char text[QUANTITY_SIZE], facts[TITLE_FACTS_SIZE];
    char *paths = malloc(TITLE_PATHS_SIZE);
    size_t changed, noise;
    print_code(page, heapprofile_diff_view(summary->diff, summary->view).name);
    if (!summary_is_diff(summary)) {
        fprintf(page->out, ": %s", quantity_format(text, page->kind, total.after, false));
    } else if (total.verdict == HEAPPROFILE_NOISE || !total.delta) {
        fprintf(page->out, ": **no change** of the total%s", total.delta ? " beyond sampling noise: " : ": ");
        print_amount(page, &total);
    } else {
        fprintf(page->out, " **%s**: ", total.delta > 0 ? "grew" : "shrank");
        print_amount(page, &total);
    }
    if (summary_is_diff(summary)) {
        count_rows(page, &changed, &noise);
        fprintf(page->out, "; %zu %s%s changed", changed, summary_by_names[summary->by], changed == 1 ? "" : "s");
        if (noise)
            fprintf(page->out, ", %zu within noise", noise);
    }
    fputs("\n\n", page->out);
    if (paths && summary_is_diff(summary)) {
        print_code(page, title_paths(summary, HEAPPROFILE_OLD, paths));
        fputs(" to ", page->out);
    }
    if (paths)
        print_code(page, title_paths(summary, HEAPPROFILE_NEW, paths));
    title_facts(summary, facts);
    fprintf(page->out, "%s%s\n\n", *facts ? ": " : "", facts);
    free(paths);
}

/* Rows that changed and were not shown, as far as there is room; `order` begins with rows that were, in the same order.
 */
static size_t print_others(const struct page *page, const struct selection *selection, size_t most) {
    const struct summary *summary = page->summary;
    size_t shown = 0, others = 0;
    for (uint32_t i = 0; i < summary->count; i++) {
        if (shown < selection->count && selection->rows[shown] == summary->order[i])
            shown++;
        else if (summary_change(summary, summary->order[i]).delta && others++ < most)
            print_row(page, summary->order[i]);
    }
    return others;
}

static void print_details(const struct page *page, const struct selection *selection) {
    char rest[TABLE_REST_SIZE];
    size_t others = print_others(page, selection, 0);
    if (!others)
        return;
    table_describe_rest(page->summary, selection, rest);
    fprintf(page->out, "\n<details><summary>%s</summary>\n\n", rest);
    print_heads(page, "");
    print_others(page, selection, MOST_DETAILS);
    if (others > MOST_DETAILS)
        fprintf(page->out, "\nand %zu more\n", others - MOST_DETAILS);
    fputs("\n</details>\n", page->out);
}

bool markdown_print(const struct summary *summary, const struct term *term, FILE *out,
                    struct heapprofile_error *error) {
    struct page page = {.summary = summary,
                        .out = out,
                        .kind = quantity_kind_of(heapprofile_diff_view(summary->diff, summary->view).unit),
                        .text = malloc(TEXT_BYTES)};
    struct selection selection = {0};
    (void)term, (void)error;
    bool ok = page.text && summary_select(summary, &selection);
    if (ok) {
        print_short(&page);
        print_heads(&page, summary_is_diff(summary) ? "Affected " : "");
        for (size_t i = 0; i < selection.count; i++)
            print_row(&page, selection.rows[i]);
        print_total(&page);
        print_details(&page, &selection);
    }
    free(selection.rows);
    free(page.text);
    return ok;
}
