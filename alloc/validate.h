/* The whole heap, walked: every invariant that the headers state as an equation. For tests and debugging. */
#ifndef HEAPTAP_ALLOC_VALIDATE_H
#define HEAPTAP_ALLOC_VALIDATE_H

#include <stdint.h>

struct validate_result {
    uint64_t spans;
    uint64_t live_objects; /* handed out, or waiting on a remote list */
};

/* Aborts at the first broken invariant. No other thread may allocate or free meanwhile. */
struct validate_result validate_heap(void);

#endif
