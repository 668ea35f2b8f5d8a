/* The static form of the flame graph, for documents: SVG without scripts, a fixed width, hovers by <title>, light and
 * dark by what the reader's system says.
 *
 *   1. width of a node: what ends there, the larger of old and new, plus its children's widths. Children come after
 *      their parents in the tree, so one sweep from the end adds up and one from the start places
 *   2. frames narrower than half a pixel are left out, the others drawn: box, mark, name
 *
 * The widths and colours are those of the page (cli/assets). Locks: none. Allocates with malloc. */
#include "cli/flame_picture.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/wrap.h"
#include "cli/page.h"
#include "cli/quantity.h"
#include "cli/term.h"
#include "cli/title.h"

enum {
    MOST_NODES = 5000,
    PICTURE_WIDTH = 1200,
    MARGIN = 12,
    HEAD_HEIGHT = 58,
    LEVEL_HEIGHT = 18,
    FOOT_HEIGHT = 30,
    SHADES = 6,
    NAME_BYTES = 64 * 1024,
    LEAST_LABEL = 4 /* letters */
};
static const double LETTER_WIDTH = 6.65; /* of 11 px monospace fonts, the widest of the common ones */
static const double LEAST_DRAWN = 0.5;

struct picture {
    const struct summary *summary;
    struct heapprofile_tree *tree;
    FILE *out;
    enum quantity_kind kind;
    double *width, *left; /* by node, in units of the view */
    uint32_t *depth;
    uint32_t levels;
    double scale; /* pixels a unit */
    char *name;   /* NAME_BYTES */
};

static bool is_diff(const struct picture *picture) { return summary_is_diff(picture->summary); }

static double larger(const struct picture *picture, const int64_t values[HEAPPROFILE_SIDES]) {
    double before = (double)wrap_magnitude(values[HEAPPROFILE_OLD]);
    double after = (double)wrap_magnitude(values[HEAPPROFILE_NEW]);
    return is_diff(picture) && before > after ? before : after;
}

/* What of a node's cum is in no child: flat, and what is folded. */
static double own_width(const struct picture *picture, uint32_t index) {
    struct heapprofile_node node = heapprofile_tree_node(picture->tree, index);
    int64_t rest[HEAPPROFILE_SIDES], part[HEAPPROFILE_SIDES];
    uint32_t view = picture->summary->view;
    heapprofile_tree_values(picture->tree, index, view, HEAPPROFILE_FLAT, part);
    double width = larger(picture, part);
    if (!node.folded)
        return width;
    heapprofile_tree_values(picture->tree, index, view, HEAPPROFILE_CUM, rest);
    for (uint32_t child = node.first_child;; child++) {
        for (unsigned side = 0; side < HEAPPROFILE_SIDES; side++)
            rest[side] = wrap_subtract(rest[side], part[side]);
        if (child == node.first_child + node.child_count)
            return width + larger(picture, rest);
        heapprofile_tree_values(picture->tree, child, view, HEAPPROFILE_CUM, part);
    }
}

static void lay_out(struct picture *picture) {
    uint32_t count = heapprofile_tree_nodes(picture->tree);
    for (uint32_t i = count; i-- > 0;) {
        picture->width[i] += own_width(picture, i);
        if (i)
            picture->width[heapprofile_tree_node(picture->tree, i).parent] += picture->width[i];
    }
    picture->scale = picture->width[0] > 0 ? (PICTURE_WIDTH - 2 * MARGIN) / picture->width[0] : 0;
    picture->levels = 1;
    for (uint32_t i = 0; i < count; i++) {
        struct heapprofile_node node = heapprofile_tree_node(picture->tree, i);
        double at = picture->left[i];
        if (picture->width[i] * picture->scale >= LEAST_DRAWN && picture->depth[i] >= picture->levels)
            picture->levels = picture->depth[i] + 1;
        for (uint32_t child = node.first_child; child < node.first_child + node.child_count; child++) {
            picture->left[child] = at;
            picture->depth[child] = picture->depth[i] + 1;
            at += picture->width[child];
        }
    }
}

/* ---- one frame ---- */

/* Whether sampling alone can explain how the function changed, wherever it was called. */
static bool is_noise(const struct picture *picture, uint32_t row) {
    const struct summary *summary = picture->summary;
    struct heapprofile_change change =
        row == UINT32_MAX ? heapprofile_diff_total(summary->diff, summary->view)
                          : heapprofile_diff_change(summary->diff, row, summary->view, HEAPPROFILE_CUM);
    return change.verdict == HEAPPROFILE_NOISE;
}

/* The class of a box: n, g0 ... g5 grew, s0 ... s5 shrank. */
static void print_class(const struct picture *picture, uint32_t row, const int64_t *values, FILE *out) {
    double before = (double)values[HEAPPROFILE_OLD], after = (double)values[HEAPPROFILE_NEW];
    double size = fmax(fabs(before), fabs(after)), share = size > 0 ? fmin(fabs(after - before) / size, 1) : 0;
    if (!is_diff(picture)) {
        fputs(row == UINT32_MAX ? "n" : "f", out);
        return;
    }
    if (before == after) {
        fputs("n", out);
        return;
    }
    bool is_pale = is_noise(picture, row);
    int shade = is_pale ? 0 : (int)fmin(sqrt(share) * SHADES, SHADES - 1);
    fprintf(out, "%c%d", after > before ? 'g' : 's', shade);
}

static const char *name_of(struct picture *picture, uint32_t row) {
    text_clean(picture->name, NAME_BYTES,
               row == UINT32_MAX ? "all" : heapprofile_diff_row(picture->summary->diff, row).name);
    return picture->name;
}

static void print_title(struct picture *picture, uint32_t row, const int64_t *values) {
    char before[QUANTITY_SIZE], after[QUANTITY_SIZE], delta[QUANTITY_SIZE], change[QUANTITY_SIZE];
    quantity_format(before, picture->kind, values[HEAPPROFILE_OLD], false);
    quantity_format(after, picture->kind, values[HEAPPROFILE_NEW], false);
    quantity_format(delta, picture->kind, wrap_subtract(values[HEAPPROFILE_NEW], values[HEAPPROFILE_OLD]), true);
    quantity_change(change, values[HEAPPROFILE_OLD], values[HEAPPROFILE_NEW]);
    fputs("<title>", picture->out);
    page_print_markup(name_of(picture, row), picture->out);
    if (is_diff(picture))
        fprintf(picture->out, "\n%s &#8594; %s  %s %s</title>", before, after, delta, change);
    else
        fprintf(picture->out, "\n%s</title>", after);
}

static void print_label(struct picture *picture, uint32_t row, const int64_t *values, double x, double y,
                        double width) {
    int64_t before = values[HEAPPROFILE_OLD], after = values[HEAPPROFILE_NEW];
    const char *mark = !is_diff(picture) || row == UINT32_MAX || before == after ? ""
                       : !before                                                 ? "+ "
                       : !after                                                  ? "&#8722; "
                       : is_noise(picture, row)                                  ? "~ "
                                                                                 : "";
    double letters = (width - 6) / LETTER_WIDTH - (*mark ? 2 : 0);
    if (letters < LEAST_LABEL)
        return;
    name_of(picture, row);
    size_t columns = term_shorten(picture->name, (size_t)letters < 8 ? 8 : (size_t)letters);
    if ((double)columns > letters)
        return;
    char amount[QUANTITY_SIZE];
    quantity_format(amount, picture->kind, is_diff(picture) ? wrap_subtract(after, before) : after, is_diff(picture));
    if ((double)(columns + strlen(amount)) + 2 <= letters && (!is_diff(picture) || before != after))
        fprintf(picture->out, "<text class=\"amount\" x=\"%.1f\" y=\"%.1f\">%s</text>", x + width - 3, y + 12.5,
                amount);
    fprintf(picture->out, "<text x=\"%.1f\" y=\"%.1f\">%s", x + 3, y + 12.5, mark);
    page_print_markup(picture->name, picture->out);
    fputs("</text>", picture->out);
}

static void print_box(struct picture *picture, uint32_t index) {
    uint32_t row = index ? heapprofile_tree_node(picture->tree, index).row : UINT32_MAX;
    int64_t values[HEAPPROFILE_SIDES];
    heapprofile_tree_values(picture->tree, index, picture->summary->view, HEAPPROFILE_CUM, values);
    double x = MARGIN + picture->left[index] * picture->scale, y = HEAD_HEIGHT + picture->depth[index] * LEVEL_HEIGHT;
    double width = picture->width[index] * picture->scale, shown = width > 3 ? width - 1 : width;
    FILE *out = picture->out;
    fputs("<g>", out);
    print_title(picture, row, values);
    fprintf(out, "<rect class=\"");
    print_class(picture, row, values, out);
    fprintf(out, "\" x=\"%.2f\" y=\"%.0f\" width=\"%.2f\" height=\"%d\"/>", x, y, shown, LEVEL_HEIGHT - 1);
    if (is_diff(picture) && values[HEAPPROFILE_OLD] && !values[HEAPPROFILE_NEW])
        fprintf(out, "<rect fill=\"url(#gone)\" x=\"%.2f\" y=\"%.0f\" width=\"%.2f\" height=\"%d\"/>", x, y, shown,
                LEVEL_HEIGHT - 1);
    print_label(picture, row, values, x, y, shown);
    fputs("</g>\n", out);
}

/* ---- around the frames ---- */

static const char style[] =
    "text{font:11px ui-monospace,\"DejaVu Sans Mono\",\"Liberation Mono\",Menlo,Consolas,monospace;fill:#1c2127;"
    "unicode-bidi:isolate}\n"
    ".title{font-size:14px;font-weight:600}.amount{text-anchor:end}.quiet{fill:#5d6773}.paper{fill:#fff}.hatch{stroke:#"
    "4a6d8c;stroke-opacity:.45}\n"
    ".n{fill:#e9ebee}.f{fill:#f3d9b1}\n"
    ".g0{fill:#fbe6df}.g1{fill:#f8d0c5}.g2{fill:#f5bbab}.g3{fill:#f2a590}.g4{fill:#ef9076}.g5{fill:#ec7a5c}\n"
    ".s0{fill:#e0edf8}.s1{fill:#c5dff3}.s2{fill:#aad0ee}.s3{fill:#90c2ea}.s4{fill:#75b3e5}.s5{fill:#5aa5e0}\n"
    "@media(prefers-color-scheme:dark){text{fill:#eceff2}.quiet{fill:#9aa5b1}.paper{fill:#14171b}"
    ".hatch{stroke:#a9c7e2;stroke-opacity:.35}\n"
    ".n{fill:#343a42}.f{fill:#5c4a2b}\n"
    ".g0{fill:#4b3732}.g1{fill:#603a31}.g2{fill:#753d30}.g3{fill:#8b412e}.g4{fill:#a0442d}.g5{fill:#b5472c}\n"
    ".s0{fill:#2f4053}.s1{fill:#2d4864}.s2{fill:#2b5074}.s3{fill:#2a5885}.s4{fill:#286095}.s5{fill:#2668a6}}\n";

static void print_head(struct picture *picture, unsigned height) {
    const struct summary *summary = picture->summary;
    FILE *out = picture->out;
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%u\" viewBox=\"0 0 %d %u\" role=\"img\">\n"
            "<style>%s</style>\n"
            "<defs><pattern id=\"gone\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" "
            "patternTransform=\"rotate(45)\"><line class=\"hatch\" y2=\"6\" stroke-width=\"3\"/></pattern></defs>\n"
            "<rect class=\"paper\" width=\"100%%\" height=\"100%%\"/>\n<text class=\"title\" x=\"%d\" y=\"24\">",
            PICTURE_WIDTH, height, PICTURE_WIDTH, height, style, MARGIN);
    char text[TITLE_PATHS_SIZE];
    if (is_diff(picture)) {
        page_print_markup(title_paths(summary, HEAPPROFILE_OLD, text), out);
        fputs(" &#8594; ", out);
    }
    page_print_markup(title_paths(summary, HEAPPROFILE_NEW, text), out);
    fprintf(out, "</text>\n<text class=\"quiet\" x=\"%d\" y=\"44\">", MARGIN);
    page_print_markup(heapprofile_diff_view(summary->diff, summary->view).name, out);
    char before[QUANTITY_SIZE], after[QUANTITY_SIZE], delta[QUANTITY_SIZE], change[QUANTITY_SIZE];
    struct heapprofile_change total = heapprofile_diff_total(summary->diff, summary->view);
    quantity_format(before, picture->kind, total.before, false);
    quantity_format(after, picture->kind, total.after, false);
    quantity_format(delta, picture->kind, total.delta, true);
    quantity_change(change, total.before, total.after);
    if (is_diff(picture))
        fprintf(out, "&#160; %s &#8594; %s&#160; %s %s", before, after, delta, change);
    else
        fprintf(out, "&#160; %s", after);
    char facts[TITLE_FACTS_SIZE];
    if (*title_facts(summary, facts)) {
        fputs("&#160;&#160;&#160; ", out);
        page_print_markup(facts, out);
    }
    fputs("</text>\n", out);
}

static void print_foot(struct picture *picture, unsigned height) {
    if (is_diff(picture)) {
        static const char *const classes[] = {"s5", "s3", "s1", "n", "g1", "g3", "g5"};
        fprintf(picture->out, "<text class=\"quiet\" x=\"%d\" y=\"%u\">shrank</text>", MARGIN, height - 10);
        for (unsigned i = 0; i < sizeof classes / sizeof *classes; i++)
            fprintf(picture->out, "<rect class=\"%s\" x=\"%u\" y=\"%u\" width=\"14\" height=\"11\"/>", classes[i],
                    MARGIN + 48 + i * 15, height - 19);
        fprintf(picture->out,
                "<text class=\"quiet\" x=\"%d\" y=\"%u\">grew&#160;&#160; + added&#160;&#160; &#8722; removed, "
                "hatched&#160;&#160; ~ within noise"
                "&#160;&#160; width: the larger of old and new</text>\n",
                MARGIN + 160, height - 10);
    }
    fputs("</svg>\n", picture->out);
}

static bool allocate(struct picture *picture) {
    size_t count = heapprofile_tree_nodes(picture->tree);
    picture->width = calloc(count, sizeof *picture->width);
    picture->left = calloc(count, sizeof *picture->left);
    picture->depth = calloc(count, sizeof *picture->depth);
    picture->name = malloc(NAME_BYTES);
    return picture->width && picture->left && picture->depth && picture->name;
}

bool flame_picture_print(const struct summary *summary, const struct term *term, FILE *out,
                         struct heapprofile_error *error) {
    (void)term;
    struct picture picture = {.summary = summary, .out = out};
    picture.kind = quantity_kind_of(heapprofile_diff_view(summary->diff, summary->view).unit);
    picture.tree = heapprofile_tree(summary->diff, MOST_NODES, false, error);
    bool ok = picture.tree && allocate(&picture);
    if (picture.tree && !ok)
        snprintf(error->text, sizeof error->text, "out of memory");
    if (ok) {
        lay_out(&picture);
        unsigned height = HEAD_HEIGHT + picture.levels * LEVEL_HEIGHT + FOOT_HEIGHT;
        print_head(&picture, height);
        for (uint32_t i = 0; i < heapprofile_tree_nodes(picture.tree); i++)
            if (picture.width[i] * picture.scale >= LEAST_DRAWN)
                print_box(&picture, i);
        print_foot(&picture, height);
    }
    heapprofile_tree_free(picture.tree);
    free(picture.width);
    free(picture.left);
    free(picture.depth);
    free(picture.name);
    return ok;
}
