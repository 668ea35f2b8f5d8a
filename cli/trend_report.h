/* What every form of a trend is made of. */
#ifndef HEAPTAP_CLI_TREND_REPORT_H
#define HEAPTAP_CLI_TREND_REPORT_H

#include <stddef.h>
#include <stdint.h>

#include "heapprofile.h"

struct trend_report {
    struct heapprofile_trend *trend; /* with a fit */
    enum heapprofile_by by;
    enum heapprofile_measure measure;
    const uint32_t *order; /* rows */
    uint32_t count;
    uint64_t most_rows; /* 0 = all */
    uint64_t limit;     /* in the unit of the view; 0 = none */
    size_t skipped;     /* files that could not be used */
};

/* "leaks", "rises", "falls", "~", "=". */
extern const char *const trend_verdict_names[];

#endif
