/* What heapdiff does, once its command line is understood. */
#ifndef HEAPTAP_CLI_COMMANDS_H
#define HEAPTAP_CLI_COMMANDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/forms.h"
#include "cli/gate.h"
#include "cli/fetch.h"
#include "cli/term.h"
#include "heapprofile.h"

struct request {
    const char *const *paths; /* those of OLD first */
    size_t path_count, old_count;
    struct fetch_settings fetch;
    const char *output;      /* NULL = standard output */
    const char *sample_type; /* NULL = the file's default */
    enum heapprofile_by by;
    const char *label; /* of HEAPPROFILE_BY_LABEL */
    bool by_cum;
    uint64_t most_rows; /* 0 = all */
    enum form_id form;
    enum report report;
    const char *subject; /* of --peek the expression, of --explain the name */
    bool with_all_views;
    bool is_subtraction; /* the old profile is taken away without marking its samples as a base */
    bool is_verbatim;    /* files are not symbolized */
    enum term_color color;
    struct heapprofile_filter filter;
    enum heapprofile_norm norm;
    const char *work;  /* of HEAPPROFILE_BY_WORK */
    double confidence; /* 0 = 0.95 */
    bool without_noise;
    bool is_aligned;
    const struct gate *gates;
    size_t gate_count;
    bool fails_on_change; /* --exit-code */
    uint64_t limit;       /* of a trend; 0 = none */
    const char *process;  /* of a trend; NULL = the newest */
    bool keeps_warm_up;   /* of a trend */
    const char *const *debug_dirs;
    size_t debug_dir_count;
};

/* Each returns the exit status: COMMAND_OK, COMMAND_FAILED with one line in `error`, without the program's name, and
 * COMMAND_GATE when a gate failed, which has said so on standard error. The caller has put "out of memory" into `error`
 * beforehand; when the reader of the output went away it is empty. */
enum { COMMAND_OK = 0, COMMAND_GATE = 1, COMMAND_FAILED = 2 };

int command_show(const struct request *request, struct heapprofile_error *error);
int command_diff(const struct request *request, struct heapprofile_error *error);
int command_merge(const struct request *request, struct heapprofile_error *error);
int command_symbolize(const struct request *request, struct heapprofile_error *error);

#endif
