/* heapdiff's commands and options: what its parser, its help, its man page and its completions are made from. */
#ifndef HEAPTAP_CLI_HEAPDIFF_OPTIONS_H
#define HEAPTAP_CLI_HEAPDIFF_OPTIONS_H

#include "cli/opts.h"

/* Indices of the table's commands. */
enum { COMMAND_SHOW, COMMAND_MERGE, COMMAND_SYMBOLIZE, COMMAND_TREND };

enum {
    OPT_SAMPLE = 1,
    OPT_ALLOC_SPACE,
    OPT_ALLOC_OBJECTS,
    OPT_INUSE_SPACE,
    OPT_INUSE_OBJECTS,
    OPT_FLAT,
    OPT_CUM,
    OPT_BY,
    OPT_ROWS,
    OPT_FORMAT,
    OPT_OUTPUT,
    OPT_BASE_MODE,
    OPT_FOCUS,
    OPT_IGNORE,
    OPT_HIDE,
    OPT_SHOW,
    OPT_TIMEOUT,
    OPT_CACERT,
    OPT_DEBUG_DIR,
    OPT_NO_SYMBOLIZE,
    OPT_COLOR,
    OPT_ALL_VIEWS,
    OPT_TREE,
    OPT_PEEK,
    OPT_EXPLAIN,
    OPT_OLD,
    OPT_NEW,
    OPT_NORMALIZE,
    OPT_ALIGN,
    OPT_CONFIDENCE,
    OPT_NOISE,
    OPT_FAIL_ABOVE,
    OPT_EXIT_CODE,
    OPT_LIMIT,
    OPT_TREND_FORMAT,
    OPT_PROCESS,
    OPT_KEEP_WARM_UP,
    OPT_VERSION,
    OPT_HELP,
};

extern const struct opts_table heapdiff_options;

#endif
