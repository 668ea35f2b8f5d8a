/* A comparison as a differential flame graph for a document: SVG without scripts. Small frames are left out. */
#ifndef HEAPTAP_CLI_FLAME_PICTURE_H
#define HEAPTAP_CLI_FLAME_PICTURE_H

#include <stdbool.h>
#include <stdio.h>

#include "cli/summary.h"
#include "cli/term.h"
#include "heapprofile.h"

/* False with a line in `error`; what could not be written is the stream's error. */
bool flame_picture_print(const struct summary *summary, const struct term *term, FILE *out,
                         struct heapprofile_error *error);

#endif
