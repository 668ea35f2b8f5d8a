/* The profiles that a command line names: files, standard input, URLs. */
#ifndef HEAPTAP_CLI_INPUT_H
#define HEAPTAP_CLI_INPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/fetch.h"
#include "heapprofile.h"

/* All or none, as heapprofile_read_all. */
bool input_read(const char *const *names, size_t count, const struct fetch_settings *settings,
                struct heapprofile **profiles, struct heapprofile_error *error);

#endif
