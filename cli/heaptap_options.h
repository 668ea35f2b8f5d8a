/* heaptap's commands and options, and the settings that libheaptap.so takes from the environment. */
#ifndef HEAPTAP_CLI_HEAPTAP_OPTIONS_H
#define HEAPTAP_CLI_HEAPTAP_OPTIONS_H

#include <stddef.h>

#include "cli/opts.h"

/* Indices of the table's commands. */
enum { COMMAND_NONE, COMMAND_RUN, COMMAND_PS, COMMAND_DUMP, COMMAND_RATE, COMMAND_RECOVER };

enum {
    OPTION_HELP = 1,
    OPTION_VERSION,
    OPTION_RATE,
    OPTION_DUMP,
    OPTION_INTERVAL,
    OPTION_ON,
    OPTION_KEEP,
    OPTION_CONTROL,
    OPTION_UNWINDER,
    OPTION_DEPTH,
    OPTION_LABELS,
    OPTION_BLACKBOX,
    OPTION_TABLE_MAX,
    OPTION_MEMLIMIT,
    OPTION_SEED,
    OPTION_OUTPUT,
    OPTION_COPIED
};

extern const struct opts_table heaptap_options;

/* What there is to say of a setting of base/options. */
struct heaptap_setting {
    const char *variable;
    int option;           /* of `heaptap run` that sets it; 0 = none */
    const char *fallback; /* what it is where it is not set; NULL = nothing */
    const char *text;     /* sentences */
};

extern const struct heaptap_setting heaptap_settings[];
extern const size_t heaptap_setting_count;

#endif
