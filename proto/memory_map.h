/* The memory map at the end of a text profile: lines of /proc/PID/maps, or shorter ones of the same kind, as
 * mappings of the profile, and each location in its mapping. Not thread safe. */
#ifndef HEAPTAP_PROTO_MEMORY_MAP_H
#define HEAPTAP_PROTO_MEMORY_MAP_H

#include <stdbool.h>

#include "proto/legacy_profile.h"
#include "proto/text_lines.h"

/* Whether the map begins behind this line. */
bool memory_map_is_title(const struct text_line *line);

/* One line of the map becomes a mapping when it describes executable memory; any other line is passed over. */
bool memory_map_add(struct legacy_profile *legacy, const struct text_line *line);

/* After the last line: joins parts of one mapping, puts the main program first, and finds the mapping of each
 * location; one without a name is added for those that are in none. */
bool memory_map_finish(struct legacy_profile *legacy);

#endif
