/* Locks, allocation: none. */
#include "cli/summary.h"

const char *const summary_by_names[] = {
    [HEAPPROFILE_BY_FUNCTION] = "function", [HEAPPROFILE_BY_LINE] = "line",       [HEAPPROFILE_BY_FILE] = "file",
    [HEAPPROFILE_BY_PACKAGE] = "package",   [HEAPPROFILE_BY_MAPPING] = "mapping", [HEAPPROFILE_BY_STACK] = "stack",
    [HEAPPROFILE_BY_LABEL] = "label"};
