/* A gzip'd file inflated in one go, which takes half the time of zlib's stream but needs all of it in memory: for files
 * of up to some ten megabytes on disk. */
#ifndef HEAPTAP_DIFF_WHOLE_FILE_H
#define HEAPTAP_DIFF_WHOLE_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/region.h"

struct whole_file {
    struct region region;
    void *bytes; /* inflated */
    size_t size;
};

/* False for whatever is not one sound gzip member of moderate size in a regular file, read from its beginning: the
 * caller then reads the stream, which also tells what is wrong. The descriptor is where it was. */
bool whole_file_inflate(int fd, struct whole_file *file);
void whole_file_free(struct whole_file *file);

#endif
