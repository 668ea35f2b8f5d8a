/* Unwinding by libunwind, loaded privately: its shared library exports _Unwind_RaiseException and its kin,
 * which in the global scope would take over the program's C++ exceptions. */
#ifndef HEAPTAP_PROFILER_UNWINDER_LIBUNWIND_H
#define HEAPTAP_PROFILER_UNWINDER_LIBUNWIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* dlopen, then one trial unwind: false where there is no libunwind, or it does not work as expected. Outside
 * malloc. */
bool unwinder_libunwind_load(void);

/* As unwinder_way (profiler/unwinder.h). */
size_t unwinder_libunwind_capture(uintptr_t *frames, size_t room);

/* A library was unloaded. Outside malloc. */
void unwinder_libunwind_forget(void);

#endif
