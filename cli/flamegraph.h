/* A comparison as a differential flame graph: a page to look around in, or a picture for a document. Nodes beyond what a
 * page can carry are folded into one of their parent's; what is folded is counted and shown. */
#ifndef HEAPTAP_CLI_FLAMEGRAPH_H
#define HEAPTAP_CLI_FLAMEGRAPH_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "heapprofile.h"

enum { FLAMEGRAPH_PAGE_NODES = 100000, FLAMEGRAPH_PICTURE_NODES = 5000 };

struct flamegraph {
    struct heapprofile_diff *diff;
    const char *old_name, *new_name; /* of the files; old_name NULL: one profile is shown */
    const char *note;                /* of the files, one line */
    const char *by;                  /* what a frame is: "function" */
    uint32_t view;                   /* shown first */
};

/* False with a line in `error`; what could not be written is the stream's error. */
bool flamegraph_print_page(const struct flamegraph *graph, FILE *out, struct heapprofile_error *error);
bool flamegraph_print_picture(const struct flamegraph *graph, FILE *out, struct heapprofile_error *error);

#endif
