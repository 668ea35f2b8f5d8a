/* Where libheaptap.so is, seen from the program that is about to preload it. */
#ifndef HEAPTAP_CLI_RUN_LIBRARY_H
#define HEAPTAP_CLI_RUN_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>

/* The absolute path of the library: HEAPTAP_LIB where it is set, else beside this executable (a build
 * directory), else in lib* beside the executable's directory (an installation). False, with one line on
 * stderr, when there is none that the loader could be told of. */
bool run_library_find(char *path, size_t size);

#endif
