/* The order of a summary's rows and which of them are shown. */
#ifndef HEAPTAP_CLI_RANK_H
#define HEAPTAP_CLI_RANK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/view.h"

struct rank {
    uint32_t *order; /* rows of the view, the greatest first */
    uint32_t count;
};

struct rank_rule {
    bool is_diff; /* by size of the change; else by size of the value of VIEW_NEW */
    bool by_cum;  /* by cum; else by flat */
};

/* Rows that are zero everywhere are left out. Ties fall to the other measure, then to the name, so the order
 * is the same every time. False when there is no memory. */
bool rank_rows(struct view *view, struct rank_rule rule, struct rank *rank);
void rank_free(struct rank *rank);

#endif
