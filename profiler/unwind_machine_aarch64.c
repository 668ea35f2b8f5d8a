/* The stack pointer at the trampoline is that of the kernel's struct rt_sigframe: 128 bytes of siginfo, then a
 * struct ucontext, in which x0 to x30, sp and pc begin after 184 bytes. */
#include "profiler/unwind_machine.h"

#if defined(__aarch64__)

#include <string.h>

enum {
    FRAME_REGISTERS = 128 + 184,
    FRAME_X29 = FRAME_REGISTERS + 29 * 8,
    FRAME_X30 = FRAME_REGISTERS + 30 * 8,
    FRAME_SP = FRAME_REGISTERS + 31 * 8,
    FRAME_PC = FRAME_REGISTERS + 32 * 8,
};

bool unwind_signal_frame(const uint8_t code[UNWIND_TRAMPOLINE_BYTES], struct unwind_rule *rule) {
    static const uint32_t trampoline[] = {
        0xd2801168, /* mov x8, #139: rt_sigreturn */
        0xd4000001, /* svc #0 */
    };
    if (memcmp(code, trampoline, sizeof trampoline) != 0)
        return false;
    *rule = (struct unwind_rule){
        .cfa = UNWIND_BASE_AT_SP,
        .cfa_offset = FRAME_SP,
        .fp = UNWIND_IN_SP,
        .fp_offset = FRAME_X29,
        .ra = UNWIND_IN_SP,
        .ra_offset = FRAME_PC,
        .is_signal = true,
    };
    return true;
}

/* The frame record is not at the frame's end. */
bool unwind_frame_of_ours(struct unwind_rule *rule) {
    (void)rule;
    return false;
}

uintptr_t unwind_signal_link(uintptr_t sp) { return sp + FRAME_X30; }

#endif
