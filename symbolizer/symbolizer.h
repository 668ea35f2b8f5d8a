/* Gives names to the frames of a profile that has only addresses, inlined calls included.
 *
 * A location that has lines already, or whose mapping says that it has functions, is left as it is. A frame
 * that cannot be named with certainty stays without lines: no name rather than a wrong one. One symbolizer
 * may serve several profiles; files are opened once. Not thread safe. */
#ifndef HEAPTAP_SYMBOLIZER_SYMBOLIZER_H
#define HEAPTAP_SYMBOLIZER_SYMBOLIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/profile.h"
#include "symbolizer/places.h"

struct symbolizer;

/* `warn` hears what kept a file from being used, once a file, and what is being waited for: `text` is a predicate of
 * ours, `subject` a path or an address from the input. Both are gone when it returns. */
typedef void (*symbolizer_warn)(void *context, const char *subject, const char *text);

/* The search's strings must outlive the symbolizer. NULL when there is no memory. */
struct symbolizer *symbolizer_open(const struct module_search *search, symbolizer_warn warn, void *context);
void symbolizer_close(struct symbolizer *symbolizer);

/* Adds lines, functions and texts to the profile, which was made at this time (nanoseconds of Unix time, 0 where
 * unknown: a file without a build id that was written later is another one). A mapping's has_functions, has_filenames
 * and has_line_numbers are set only where every location of it has got them, because consumers skip such mappings.
 * `bases`, when not NULL, has room for one entry a mapping and receives what to subtract from an address to get the
 * address the file was linked at (or the file offset, where the file was not found). False when there is no memory. */
bool symbolizer_run(struct symbolizer *symbolizer, struct profile *profile, int64_t made, uint64_t *bases);

/* The same bases without looking at any file. */
void symbolizer_guess_bases(const struct profile *profile, uint64_t *bases);

#endif
