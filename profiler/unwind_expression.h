/* DWARF expressions in unwind tables, evaluated without a frame: the registers stay symbols, so that the result
 * is a rule which can be kept. */
#ifndef HEAPTAP_PROFILER_UNWIND_EXPRESSION_H
#define HEAPTAP_PROFILER_UNWIND_EXPRESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "profiler/byte_reader.h"

enum unwind_symbol {
    UNWIND_VALUE_NUMBER, /* plus */
    UNWIND_VALUE_SP,     /* the stack pointer + plus */
    UNWIND_VALUE_FP,
    UNWIND_VALUE_CFA,
    UNWIND_VALUE_AT_SP, /* the word at the stack pointer + inner; + plus */
    UNWIND_VALUE_AT_FP,
};

struct unwind_value {
    enum unwind_symbol symbol;
    int64_t plus, inner;
};

/* The value that is left on top; false where it is not of that form. `pc` is the address that the rule is for;
 * `first` is what the stack begins with, NULL for nothing. */
bool unwind_expression_evaluate(struct byte_reader code, uintptr_t pc, const struct unwind_value *first,
                                struct unwind_value *result);

#endif
