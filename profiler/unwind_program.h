/* The instructions of an unwind table's entry, run up to one address of the code: what the entry says there. */
#ifndef HEAPTAP_PROFILER_UNWIND_PROGRAM_H
#define HEAPTAP_PROFILER_UNWIND_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include "profiler/byte_reader.h"
#include "profiler/unwind_rule.h"

/* One entry of .eh_frame (a FDE) and the common part (its CIE). */
struct unwind_entry {
    struct byte_reader common_code, code; /* instructions */
    uint64_t code_factor;
    int64_t data_factor;
    uint64_t return_register;
    uintptr_t start, limit; /* the code that it describes */
    bool is_signal;
};

/* The rule for `address`, which lies in the entry's code. Where the entry says something that a rule cannot
 * express, or is damaged, that is UNWIND_CUT. May run inside malloc. */
struct unwind_rule unwind_program_run(const struct unwind_entry *entry, uintptr_t address);

#endif
