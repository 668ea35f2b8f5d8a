/* What differs between processors: the numbers of the registers in unwind tables, and the
 * frame that the kernel makes for a signal. Where there is no such processor there is no unwinder of our own. */
#ifndef HEAPTAP_PROFILER_UNWIND_MACHINE_H
#define HEAPTAP_PROFILER_UNWIND_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#include "profiler/unwind_rule.h"

struct unwind_registers {
    uintptr_t pc, sp, fp, link;
    bool link_is_known, fp_is_known;
};

#if defined(__x86_64__)
enum { UNWIND_REGISTER_FP = 6, UNWIND_REGISTER_SP = 7, UNWIND_REGISTER_RA = 16 };
#elif defined(__aarch64__)
enum { UNWIND_REGISTER_FP = 29, UNWIND_REGISTER_SP = 31, UNWIND_REGISTER_RA = 30 };
#endif

/* Return addresses without the signature that pointer authentication puts into their upper bits. */
static inline uintptr_t unwind_strip(uintptr_t address) {
#if defined(__aarch64__)
    register uintptr_t link __asm__("x30") = address;
    __asm__("hint #7" : "+r"(link)); /* xpaclri; no operation on older processors */
    return link;
#else
    return address;
#endif
}

/* Bytes of code that unwind_signal_frame looks at. */
enum { UNWIND_TRAMPOLINE_BYTES = 9 };

/* The rule of the code that a signal handler returns to, known by its instructions: unwind tables do not
 * describe it everywhere. False: it is something else. */
bool unwind_signal_frame(const uint8_t code[UNWIND_TRAMPOLINE_BYTES], struct unwind_rule *rule);

/* The rule at a call in code that keeps a frame pointer, as all of ours does. False where that does not say where the
 * caller's frame begins. */
bool unwind_frame_of_ours(struct unwind_rule *rule);

/* The registers of the first caller outside [start, limit), from the frame pointer of a function inside, whose callers
 * in there all keep one. False where that does not say where the caller's frame begins. */
static inline bool unwind_caller_of_ours(uintptr_t fp, uintptr_t start, uintptr_t limit,
                                         struct unwind_registers *caller) {
#if defined(__x86_64__)
    const uintptr_t *frame = (const uintptr_t *)fp;
    while (frame[1] - start < limit - start)
        frame = (const uintptr_t *)frame[0];
    *caller =
        (struct unwind_registers){.pc = frame[1], .sp = (uintptr_t)(frame + 2), .fp = frame[0], .fp_is_known = true};
    return true;
#else
    (void)fp, (void)start, (void)limit, (void)caller;
    return false;
#endif
}

/* Where the interrupted code's link register is, from the signal frame's stack pointer; 0: it has none. */
uintptr_t unwind_signal_link(uintptr_t sp);

#endif
