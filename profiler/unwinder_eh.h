/* Unwinding by the tables that every program has (.eh_frame), read by ourselves and remembered by address. No
 * lock, no allocation, no state between captures but the cache: it may be interrupted by itself. */
#ifndef HEAPTAP_PROFILER_UNWINDER_EH_H
#define HEAPTAP_PROFILER_UNWINDER_EH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "profiler/unwind_machine.h"
#include "profiler/unwind_trace.h"

/* False where the C library has no way to an object without a lock (glibc before 2.35). Outside malloc. */
bool unwinder_eh_start(void);

/* Where the code of this library is, all of which keeps a frame pointer. At start. */
void unwinder_eh_set_own_code(uintptr_t start, uintptr_t limit);

/* As unwinder_way (profiler/unwinder.h). */
size_t unwinder_eh_capture(uintptr_t *frames, size_t room);

/* The same from given registers, whose pc is a return address and is the first frame. */
size_t unwinder_eh_walk(const struct unwind_registers *registers, uintptr_t *frames, size_t room);

/* The same, and what it depended on. */
size_t unwinder_eh_trace(const struct unwind_registers *registers, uintptr_t *frames, size_t room,
                         struct unwind_trace *trace);

/* Whether the code at `address` is still the object's whose fingerprint a trace has. */
bool unwinder_eh_owns(uintptr_t address, uint8_t fingerprint);

/* The rule for one address of code, past the cache; false where no table describes it. */
bool unwinder_eh_rule(uintptr_t address, struct unwind_rule *rule);

/* Stacks that ended before their outermost frame and before the room was full. */
uint64_t unwinder_eh_cut(void);

/* A library was unloaded. */
void unwinder_eh_forget(void);

#endif
