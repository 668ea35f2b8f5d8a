/* Where a command writes: standard output or a file. */
#ifndef HEAPTAP_CLI_OUTPUT_H
#define HEAPTAP_CLI_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "heapprofile.h"

struct output {
    const char *path; /* NULL = standard output */
    FILE *file;
    int saved_errno; /* of the first failed write */
};

bool output_open(struct output *output, const char *path, struct heapprofile_error *error);
/* Flushes and closes. False and one line when anything could not be written since output_open; the line is
 * empty when the reader of a pipe went away. */
bool output_close(struct output *output, struct heapprofile_error *error);
/* For proto/writer.h; the context is a struct output. */
int output_sink(void *context, const void *bytes, size_t size);

#endif
