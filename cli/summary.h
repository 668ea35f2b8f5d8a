/* What every form of output is made of: a view, its order, and what is known of the files. */
#ifndef HEAPTAP_CLI_SUMMARY_H
#define HEAPTAP_CLI_SUMMARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/load.h"
#include "cli/rank.h"
#include "cli/view.h"

struct summary {
    struct view *view;
    struct rank rank;
    struct rank_rule rule;
    const struct loaded *files[VIEW_SIDES]; /* VIEW_OLD is NULL when one profile is shown */
    const char *sample_type, *unit;
    uint64_t most_rows; /* 0 = all */
};

/* "function", "line", ...: as in --by and in JSON. */
extern const char *const summary_by_names[];

/* Mean bytes between samples, 0 where the file does not say. */
int64_t summary_rate(const struct profile *profile);
/* Whether both profiles come from one process: 1 yes, 0 no, -1 not known. */
int summary_same_process(const struct summary *summary);

#endif
