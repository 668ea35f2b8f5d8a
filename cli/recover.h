/* `heaptap recover`: a profile from the black box of a process that is gone (proto/box.h, docs/blackbox.md). */
#ifndef HEAPTAP_CLI_RECOVER_H
#define HEAPTAP_CLI_RECOVER_H

#include <stdbool.h>

#include "heapprofile.h"

struct recover_request {
    const char *path;
    const char *output; /* NULL = standard output */
    bool is_copied;     /* neither the boot nor the process is compared with what is here */
};

/* False and one line in `error`, without the program's name (empty when the reader of the output went away). */
bool recover_command(const struct recover_request *request, struct heapprofile_error *error);

#endif
