/* Buffers for one capture each. They are not on the stack, since the stack may be a small one (fibers,
 * signals, threads with a few pages), and not one for each thread, since threads come and go. */
#ifndef HEAPTAP_PROFILER_SCRATCH_H
#define HEAPTAP_PROFILER_SCRATCH_H

#include <stddef.h>

/* Call before the first take. */
void scratch_set_size(size_t bytes);

/* NULL when there is no memory. May run inside malloc. */
void *scratch_take(void);
void scratch_give(void *buffer);

#endif
