/* Locks, allocation: none. */
#include "cli/trend_report.h"

const char *const trend_verdict_names[] = {
    [HEAPPROFILE_TREND_NOISE] = "~",     [HEAPPROFILE_TREND_LEAKS] = "leaks", [HEAPPROFILE_TREND_RISES] = "rises",
    [HEAPPROFILE_TREND_FALLS] = "falls", [HEAPPROFILE_TREND_CONSTANT] = "=",
};
