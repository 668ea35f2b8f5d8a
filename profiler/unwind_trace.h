/* What a walk has read of the stack besides the code's rules. Where it begins with the same registers, and each of
 * these words holds what it held, it comes to the same frames: profiler/stack_memo.h makes use of that.
 *
 * Words are counted from where the walk began. Of saved frame pointers only those count that the place of a frame
 * depended on, which are addresses in the stack. */
#ifndef HEAPTAP_PROFILER_UNWIND_TRACE_H
#define HEAPTAP_PROFILER_UNWIND_TRACE_H

#include <stdbool.h>
#include <stdint.h>

enum { UNWIND_TRACE_FRAMES = 128, UNWIND_TRACE_POINTERS = 128, UNWIND_TRACE_OWNERS = 4 };

struct unwind_trace_pointer {
    uint16_t at, value; /* words */
};

/* Code that may be unloaded, in an object that the fingerprint is of (unwinder_eh_owns). */
struct unwind_trace_owner {
    uintptr_t address;
    uint8_t fingerprint;
};

struct unwind_trace {
    bool is_whole;       /* nothing else was read, and all of it had room here */
    bool begins_with_fp; /* the frame pointer that it began with was used */
    uint16_t pointer_count;
    uint16_t owner_count;
    struct unwind_trace_owner owners[UNWIND_TRACE_OWNERS];
    uint64_t generation;                            /* of the rules */
    uint16_t return_addresses[UNWIND_TRACE_FRAMES]; /* of the second frame and of all after it, from 1 */
    struct unwind_trace_pointer pointers[UNWIND_TRACE_POINTERS];
};

#endif
