/* Finding what an object's .eh_frame says about one address, through the sorted table of .eh_frame_hdr.
 *
 * The object is somebody else's file and may be damaged or hostile: nothing outside of its readable segments is
 * read. */
#ifndef HEAPTAP_PROFILER_EH_FRAME_H
#define HEAPTAP_PROFILER_EH_FRAME_H

#include <link.h>
#include <stdbool.h>
#include <stdint.h>

#include "profiler/unwind_rule.h"

/* False: the object has no entry for `address`. May run inside malloc. */
bool eh_frame_find(const struct dl_phdr_info *object, uintptr_t address, struct unwind_rule *rule);

/* A reader from `address` to the end of its readable segment; one that is bad where there is none. */
struct byte_reader eh_frame_segment(const struct dl_phdr_info *object, uintptr_t address);

/* Whether an entry of the object's tables begins at `address`, so that no call can be right before it but one that does
 * not return. May run inside malloc. */
bool eh_frame_begins(const struct dl_phdr_info *object, uintptr_t address);

#endif
