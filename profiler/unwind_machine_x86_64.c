/* The stack pointer at the trampoline is that of the kernel's struct ucontext, whose registers begin after 40
 * bytes: r8 to r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip. */
#include "profiler/unwind_machine.h"

#if defined(__x86_64__)

#include <string.h>

enum { UCONTEXT_RBP = 40 + 10 * 8, UCONTEXT_RSP = 40 + 15 * 8, UCONTEXT_RIP = 40 + 16 * 8 };

bool unwind_signal_frame(const uint8_t code[UNWIND_TRAMPOLINE_BYTES], struct unwind_rule *rule) {
    static const uint8_t trampoline[UNWIND_TRAMPOLINE_BYTES] = {
        0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, /* mov $15, %rax: rt_sigreturn */
        0x0f, 0x05,                      /* syscall */
    };
    if (memcmp(code, trampoline, sizeof trampoline) != 0)
        return false;
    *rule = (struct unwind_rule){
        .cfa = UNWIND_BASE_AT_SP,
        .cfa_offset = UCONTEXT_RSP,
        .fp = UNWIND_IN_SP,
        .fp_offset = UCONTEXT_RBP,
        .ra = UNWIND_IN_SP,
        .ra_offset = UCONTEXT_RIP,
        .is_signal = true,
    };
    return true;
}

bool unwind_frame_of_ours(struct unwind_rule *rule) {
    *rule = (struct unwind_rule){.cfa = UNWIND_BASE_FP,
                                 .cfa_offset = 16,
                                 .fp = UNWIND_IN_CFA,
                                 .fp_offset = -16,
                                 .ra = UNWIND_IN_CFA,
                                 .ra_offset = -8};
    return true;
}

uintptr_t unwind_signal_link(uintptr_t sp) {
    (void)sp;
    return 0;
}

#endif
