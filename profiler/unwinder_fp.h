/* Unwinding along the chain of frame pointers: two loads a frame. Complete only where every function on the
 * stack was built with frame pointers; it stops cleanly at the first sign that one was not. */
#ifndef HEAPTAP_PROFILER_UNWINDER_FP_H
#define HEAPTAP_PROFILER_UNWINDER_FP_H

#include <stddef.h>
#include <stdint.h>

/* As unwinder_way (profiler/unwinder.h). */
size_t unwinder_fp_capture(uintptr_t *frames, size_t room);

/* The same from a given frame pointer. Follows any value without faulting. */
size_t unwinder_fp_walk(uintptr_t frame, uintptr_t *frames, size_t room);

#endif
