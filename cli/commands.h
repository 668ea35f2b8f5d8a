/* What heapdiff does, once its command line is understood. */
#ifndef HEAPTAP_CLI_COMMANDS_H
#define HEAPTAP_CLI_COMMANDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/term.h"
#include "heapprofile.h"

enum request_format { FORMAT_TEXT, FORMAT_JSON, FORMAT_PROTO };

struct request {
    const char *const *paths;
    size_t path_count;
    const char *output;      /* NULL = standard output */
    const char *sample_type; /* NULL = the file's default */
    enum heapprofile_by by;
    const char *label; /* of HEAPPROFILE_BY_LABEL */
    bool by_cum;
    uint64_t most_rows; /* 0 = all */
    enum request_format format;
    bool is_subtraction; /* the old profile is taken away without marking its samples as a base */
    bool is_verbatim;    /* files are not symbolized */
    enum term_color color;
    struct heapprofile_filter filter;
    const char *const *debug_dirs;
    size_t debug_dir_count;
};

/* Each returns false and one line in `error`, without the program's name; the caller has put "out of memory" there
 * beforehand. When the reader of the output went away, `error` is empty. */
bool command_show(const struct request *request, struct heapprofile_error *error);
bool command_diff(const struct request *request, struct heapprofile_error *error);
bool command_merge(const struct request *request, struct heapprofile_error *error);
bool command_symbolize(const struct request *request, struct heapprofile_error *error);

#endif
