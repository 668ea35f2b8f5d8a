/* The call stack of this moment, inside malloc. Raw return addresses, leaf first; the frames of this library
 * are cut off, so the leaf is in the caller of malloc.
 *
 * Three ways, one file each (docs/unwinding.md compares them): the unwind tables that every program has, read by
 * ourselves; the same, read by libunwind; and frame pointers, which need a program built with them. */
#ifndef HEAPTAP_PROFILER_UNWINDER_H
#define HEAPTAP_PROFILER_UNWINDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/options.h"
#include "profiler/unwind_machine.h"
#include "profiler/unwind_trace.h"

enum {
    UNWINDER_DEPTH_MAX = OPTIONS_DEPTH_MAX,
    /* Room that a caller's buffer must have beyond the depth that it wants: our own frames are cut from
       there. */
    UNWINDER_SLACK = 32,
};

/* One way: fills at most `room` return addresses from its own frame on; 0: they cannot be told now. May run inside
 * malloc. */
typedef size_t (*unwinder_way)(uintptr_t *frames, size_t room);

/* Loads and tries what is needed. Outside malloc only. False: libunwind was asked for and is not to be had;
 * frame pointers are used then. Later calls with the same choice do nothing. */
bool unwinder_start(enum options_unwinder choice);
const char *unwinder_name(void);

/* Leading frames in [start, limit) are cut off. Empty by default; unwinder_start sets it to this library's
 * code when it is a shared library, and leaves it empty where library and program are one file. */
void unwinder_set_own_code(uintptr_t start, uintptr_t limit);
bool unwinder_trims(void);

struct unwinder_stack {
    const uintptr_t *frames;
    size_t count;
};

/* At most `depth` frames, which lie in `buffer` afterwards. It has room for depth + UNWINDER_SLACK, and belongs to this
 * capture alone; what an earlier one left there makes this one faster. False: dropped, because another thread is
 * unloading a library and the stack may be of one; or, by libunwind alone, because this thread is in the unwinder
 * already (a signal came in it), or a fork has gone on for seconds. */
bool unwinder_capture(uintptr_t *buffer, size_t depth, struct unwinder_stack *stack);
uint64_t unwinder_dropped(void);
/* Stacks that were kept without their outermost frames: code without unwind tables, or a rule that is not understood.
 */
uint64_t unwinder_cut(void);

/* Where our own code is, and whether the first of the two steps below can be made. Constant after start. */
extern HIDDEN uintptr_t unwinder_own_start, unwinder_own_limit;
extern HIDDEN bool unwinder_steps_out;

/* The same in two steps, for who can tell from the first that the stack is known (profiler/stack_memo.h). The first
 * gives the registers of the first caller outside of this library; false where only unwinder_capture will do. */
static inline bool unwinder_at_caller(struct unwind_registers *caller) {
    return unwinder_steps_out &&
           unwind_caller_of_ours((uintptr_t)__builtin_frame_address(0), unwinder_own_start, unwinder_own_limit, caller);
}
/* `buffer` has room for `depth`. False: dropped, as above. */
bool unwinder_capture_from(const struct unwind_registers *caller, uintptr_t *buffer, size_t depth,
                           struct unwinder_stack *stack, struct unwind_trace *trace);

/* A library was unloaded: what was remembered of its addresses is void. Outside malloc. */
void unwinder_forget(void);

/* Fork must not copy locks that a thread holds inside the unwinder: close the door, wait for those inside,
 * fork, open it. The wait is bounded; after a wait in vain the child goes on with frame pointers. */
void unwinder_fork_prepare(void);
void unwinder_fork_parent(void);
void unwinder_fork_child(void);

#endif
