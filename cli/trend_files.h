/* The files of a trend: those that are named, and those that lie in a directory that is named. */
#ifndef HEAPTAP_CLI_TREND_FILES_H
#define HEAPTAP_CLI_TREND_FILES_H

#include <stdbool.h>
#include <stddef.h>

#include "heapprofile.h"

struct trend_files {
    char **paths;
    size_t count, capacity;
};

/* Of a directory: its files *.pb.gz and *.pb, not those of directories in it, by name. False and one line when a
 * directory cannot be read; trend_files_free is due in any case. */
bool trend_files_find(struct trend_files *files, const char *const *operands, size_t count,
                      struct heapprofile_error *error);
void trend_files_free(struct trend_files *files);

#endif
