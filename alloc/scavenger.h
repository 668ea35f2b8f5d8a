/* Returns idle pages to the system. */
#ifndef HEAPTAP_ALLOC_SCAVENGER_H
#define HEAPTAP_ALLOC_SCAVENGER_H

#include <stddef.h>

/* Everything that can be returned, now, on this thread, without holding up others for longer than one chunk. Bytes
 * returned. */
size_t scavenger_release_all(void);

#endif
