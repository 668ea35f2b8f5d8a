/* A gate: what may not grow by more than so much, for a build that shall fail when it does. */
#ifndef HEAPTAP_CLI_GATE_H
#define HEAPTAP_CLI_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "heapprofile.h"

struct gate {
    const char *text;  /* as it was given: VIEW[:PATTERN]=LIMIT */
    char view[64];     /* "inuse_space" */
    char pattern[256]; /* of names, as the shell's; "" = the total */
    double limit;      /* in the view's unit, or per cent of OLD */
    bool is_percent;
};

/* "inuse_space=10MiB", "alloc_objects:json_*=5%". False and one line. */
bool gate_parse(struct gate *gate, const char *text, struct heapprofile_error *error);

/* Writes a line for the total, or for each row, that grew beyond the limit, and returns their number. A change within
 * the noise of sampling is none; where a file does not say how it was sampled, every change counts. `view` is the
 * gate's in the diff. */
size_t gate_check(const struct gate *gate, struct heapprofile_diff *diff, uint32_t view,
                  enum heapprofile_measure measure, FILE *out);

#endif
