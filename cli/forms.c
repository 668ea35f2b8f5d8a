/* Locks, allocation: none. */
#include "cli/forms.h"

#include "cli/csv.h"
#include "cli/diffstat.h"
#include "cli/explain.h"
#include "cli/flame_picture.h"
#include "cli/flamegraph.h"
#include "cli/folded.h"
#include "cli/json.h"
#include "cli/markdown.h"
#include "cli/peek.h"
#include "cli/side_by_side.h"
#include "cli/table.h"
#include "cli/tree_text.h"

static const struct form forms[] = {
    [FORM_TEXT] = {.print = table_print},
    [FORM_MARKDOWN] = {.print = markdown_print},
    [FORM_JSON] = {.print = json_print, .has_cum_noise = true},
    [FORM_CSV] = {.print = csv_print, .has_cum_noise = true},
    [FORM_DIFFSTAT] = {.print = diffstat_print},
    [FORM_FOLDED] = {.print = folded_print, .has_stacks = true},
    [FORM_PROTO] = {0},
    [FORM_HTML] = {.print = flamegraph_print, .has_cum_noise = true, .has_all_views = true, .is_page = true},
    [FORM_SVG] = {.print = flame_picture_print, .has_cum_noise = true},
};

static const struct form reports[] = {
    [REPORT_TREE] = {.print = tree_text_print, .has_cum = true},
    [REPORT_PEEK] = {.print = peek_print, .has_cum = true},
    [REPORT_EXPLAIN] = {.print = explain_print},
};

static const struct form side_by_side = {.print = side_by_side_print};

const struct form *forms_find(enum form_id form, enum report report, bool with_all_views) {
    const struct form *found = report == REPORT_ROWS ? &forms[form] : &reports[report];
    if (form == FORM_TEXT && report == REPORT_ROWS && with_all_views)
        return &side_by_side;
    return found->print ? found : NULL;
}
