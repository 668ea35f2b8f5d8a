/* The forms of output, and what each of them needs of the comparison. A new form is a value here and a row in forms.c.
 */
#ifndef HEAPTAP_CLI_FORMS_H
#define HEAPTAP_CLI_FORMS_H

#include <stdbool.h>
#include <stdio.h>

#include "cli/summary.h"
#include "cli/term.h"

/* In the order of the choices of --format. */
enum form_id {
    FORM_TEXT,
    FORM_MARKDOWN,
    FORM_JSON,
    FORM_CSV,
    FORM_DIFFSTAT,
    FORM_FOLDED,
    FORM_PROTO,
    FORM_HTML,
    FORM_SVG
};

/* What the text is about: the rows, or one of the options that ask for something else. */
enum report { REPORT_ROWS, REPORT_TREE, REPORT_PEEK, REPORT_EXPLAIN };

struct form {
    /* False and one line in `error`, or as it was when there is no memory; write errors are left in `out`. */
    bool (*print)(const struct summary *summary, const struct term *term, FILE *out, struct heapprofile_error *error);
    bool has_stacks;    /* its rows are stacks, whatever --by says */
    bool has_cum_noise; /* it shows whether cum changed, even when it is ordered by flat */
    bool has_cum;       /* it is about cum, whatever is asked for */
    bool has_all_views; /* its reader switches between them */
    bool is_page;       /* it is for a browser: a terminal is not what was meant */
};

/* NULL for the form of profiles, which is made without a summary. */
const struct form *forms_find(enum form_id form, enum report report, bool with_all_views);

#endif
