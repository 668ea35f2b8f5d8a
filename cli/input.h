/* The profiles that a command line names: files, standard input, URLs. */
#ifndef HEAPTAP_CLI_INPUT_H
#define HEAPTAP_CLI_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "heapprofile.h"

/* All or none, as heapprofile_read_all. `timeout`: of each transfer, in nanoseconds; 0 = the usual. */
bool input_read(const char *const *names, size_t count, uint64_t timeout, struct heapprofile **profiles,
                struct heapprofile_error *error);

#endif
