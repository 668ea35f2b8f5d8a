/* The stacks that one thread captured last, and how to tell that it is on one of them again: the words of the stack
 * that the walk depended on still hold what they held. That is a load and a comparison a frame, where a walk has to
 * wait for a rule, the place that it gives, and the address there; and the stack needs no hash and no search in the
 * table either.
 *
 * A thread allocates from few places at a time, so a small memo serves most samples. */
#ifndef HEAPTAP_PROFILER_STACK_MEMO_H
#define HEAPTAP_PROFILER_STACK_MEMO_H

#include <stdbool.h>
#include <stdint.h>

#include "profiler/stack_table.h"
#include "profiler/unwind_machine.h"
#include "profiler/unwind_trace.h"

enum { STACK_MEMO_PLACES = 64, STACK_MEMO_BYTES = 4096 };

struct stack_memo_entry {
    uintptr_t pc, sp, fp; /* where the walk began; fp counts where begins_with_fp */
    uint64_t generation;  /* of the unwinder's rules */
    uint32_t stack;       /* its id */
    uint16_t frame_count, pointer_count;
    uint8_t owner_count;
    bool begins_with_fp;

    struct unwind_trace_owner owners[UNWIND_TRACE_OWNERS];

    /* Return addresses of the second frame and of all after it; behind them as many struct unwind_trace_pointer. */
    uint16_t words[];
};

/* Entries lie one after the other in a ring, and the newest goes over the oldest. All zero is an empty memo. One thread
 * at a time. */
struct stack_memo {
    uint64_t places[STACK_MEMO_PLACES]; /* by a hash of pc and sp: where the entry begins, + 1; 0 = none */
    uint64_t next;                      /* where the next entry begins: bytes that were ever written */
    _Alignas(8) char ring[STACK_MEMO_BYTES];
};

/* The id of the stack that begins so, if it is one of those; else 0. May run inside malloc. */
uint32_t stack_memo_find(struct stack_memo *memo, const struct stack_table *stacks,
                         const struct unwind_registers *caller);

/* Keeps a stack that was just captured. Does nothing where that cannot be. */
void stack_memo_keep(struct stack_memo *memo, const struct unwind_registers *caller, const struct unwind_trace *trace,
                     uint32_t stack, size_t frame_count);

#endif
