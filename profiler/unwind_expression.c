/* The expressions met in practice: a procedure linkage table's (the stack pointer plus a number that depends on
 * the address alone), a function's that aligned its stack (the word below the frame pointer), the signal
 * trampoline's (words of the saved registers), hand-written code's that keeps the old stack pointer in memory. All
 * of them reduce to one symbol plus a number.
 *
 * evaluate: a stack of such values.  1. numbers and registers are pushed;  2. a sum may have one symbol;  3. a
 * word of memory may be read once;  4. everything else is done on numbers; what needs more is refused.
 *
 * Locks: none. Allocation: none. May run inside malloc. */
#include "profiler/unwind_expression.h"

#include "profiler/dwarf_numbers.h"
#include "profiler/unwind_machine.h"

enum { DEPTH = 16, STEPS_MAX = 256 };

struct machine {
    struct byte_reader code;
    struct unwind_value stack[DEPTH];
    unsigned used;
    bool is_bad;
    uintptr_t pc;
};

static void push(struct machine *machine, struct unwind_value value) {
    if (machine->used == DEPTH)
        machine->is_bad = true;
    else
        machine->stack[machine->used++] = value;
}

static void push_number(struct machine *machine, uint64_t number) {
    push(machine, (struct unwind_value){UNWIND_VALUE_NUMBER, (int64_t)number, 0});
}

static struct unwind_value pop(struct machine *machine) {
    if (machine->used == 0) {
        machine->is_bad = true;
        return (struct unwind_value){UNWIND_VALUE_NUMBER, 0, 0};
    }
    return machine->stack[--machine->used];
}

/* A copy of the value `depth` below the top. */
static void pick(struct machine *machine, unsigned depth) {
    if (depth >= machine->used)
        machine->is_bad = true;
    else
        push(machine, machine->stack[machine->used - 1 - depth]);
}

static void push_register(struct machine *machine, uint64_t number, int64_t plus) {
    struct unwind_value value = {.plus = plus};
    if (number == UNWIND_REGISTER_SP)
        value.symbol = UNWIND_VALUE_SP;
    else if (number == UNWIND_REGISTER_FP)
        value.symbol = UNWIND_VALUE_FP;
    else if (number == UNWIND_REGISTER_RA)
        value.plus = (int64_t)((uint64_t)plus + machine->pc);
    else
        machine->is_bad = true;
    push(machine, value);
}

static void dereference(struct machine *machine) {
    struct unwind_value value = pop(machine);
    if (value.symbol != UNWIND_VALUE_SP && value.symbol != UNWIND_VALUE_FP)
        machine->is_bad = true;
    push(machine, (struct unwind_value){value.symbol == UNWIND_VALUE_SP ? UNWIND_VALUE_AT_SP : UNWIND_VALUE_AT_FP, 0,
                                        value.plus});
}

static void add(struct machine *machine, struct unwind_value left, struct unwind_value right) {
    if (left.symbol == UNWIND_VALUE_NUMBER) {
        struct unwind_value swapped = left;
        left = right;
        right = swapped;
    }
    if (right.symbol != UNWIND_VALUE_NUMBER)
        machine->is_bad = true;
    left.plus = (int64_t)((uint64_t)left.plus + (uint64_t)right.plus);
    push(machine, left);
}

static uint64_t shift(uint64_t value, uint64_t bits, bool to_left) {
    if (bits >= 64)
        return 0;
    return to_left ? value << bits : value >> bits;
}

/* Two operands and a result. */
static void binary(struct machine *machine, uint8_t operation) {
    struct unwind_value right = pop(machine), left = pop(machine);
    int64_t a = left.plus, b = right.plus;
    if (operation == DW_OP_plus) {
        add(machine, left, right);
        return;
    }
    if (operation == DW_OP_minus && right.symbol == UNWIND_VALUE_NUMBER) {
        right.plus = (int64_t)(0 - (uint64_t)b);
        add(machine, left, right);
        return;
    }
    if (left.symbol != UNWIND_VALUE_NUMBER || right.symbol != UNWIND_VALUE_NUMBER) {
        machine->is_bad = true;
        return;
    }
    switch (operation) {
    case DW_OP_and:
        push_number(machine, (uint64_t)a & (uint64_t)b);
        break;
    case DW_OP_or:
        push_number(machine, (uint64_t)a | (uint64_t)b);
        break;
    case DW_OP_xor:
        push_number(machine, (uint64_t)a ^ (uint64_t)b);
        break;
    case DW_OP_mul:
        push_number(machine, (uint64_t)a * (uint64_t)b);
        break;
    case DW_OP_shl:
        push_number(machine, shift((uint64_t)a, (uint64_t)b, true));
        break;
    case DW_OP_shr:
        push_number(machine, shift((uint64_t)a, (uint64_t)b, false));
        break;
    case DW_OP_eq:
        push_number(machine, a == b);
        break;
    case DW_OP_ne:
        push_number(machine, a != b);
        break;
    case DW_OP_ge:
        push_number(machine, a >= b);
        break;
    case DW_OP_gt:
        push_number(machine, a > b);
        break;
    case DW_OP_le:
        push_number(machine, a <= b);
        break;
    case DW_OP_lt:
        push_number(machine, a < b);
        break;
    default:
        machine->is_bad = true;
    }
}

/* Operations without a range of their own. */
static void run_other(struct machine *machine, uint8_t operation) {
    struct byte_reader *code = &machine->code;
    struct unwind_value value;
    switch (operation) {
    case DW_OP_constu:
        push_number(machine, byte_reader_uleb(code));
        break;
    case DW_OP_consts:
        push_number(machine, (uint64_t)byte_reader_sleb(code));
        break;
    case DW_OP_bregx: {
        uint64_t number = byte_reader_uleb(code);
        push_register(machine, number, byte_reader_sleb(code));
        break;
    }
    case DW_OP_plus_uconst:
        value = pop(machine);
        value.plus = (int64_t)((uint64_t)value.plus + byte_reader_uleb(code));
        push(machine, value);
        break;
    case DW_OP_deref:
        dereference(machine);
        break;
    case DW_OP_dup:
        pick(machine, 0);
        break;
    case DW_OP_over:
        pick(machine, 1);
        break;
    case DW_OP_pick:
        pick(machine, byte_reader_u8(code));
        break;
    case DW_OP_drop:
        pop(machine);
        break;
    case DW_OP_nop:
        break;
    default:
        binary(machine, operation);
    }
}

bool unwind_expression_evaluate(struct byte_reader code, uintptr_t pc, const struct unwind_value *first,
                                struct unwind_value *result) {
    struct machine machine = {.code = code, .pc = pc};
    if (first)
        push(&machine, *first);
    for (int steps = 0; machine.code.at < machine.code.limit && !machine.is_bad; steps++) {
        uint8_t operation = byte_reader_u8(&machine.code);
        if (operation >= DW_OP_lit0 && operation <= DW_OP_lit31)
            push_number(&machine, operation - DW_OP_lit0);
        else if (operation >= DW_OP_breg0 && operation <= DW_OP_breg31)
            push_register(&machine, operation - DW_OP_breg0, byte_reader_sleb(&machine.code));
        else if (operation >= DW_OP_const1u && operation <= DW_OP_const8s)
            push_number(&machine,
                        byte_reader_fixed(&machine.code, 1u << (operation - DW_OP_const1u) / 2, operation & 1));
        else
            run_other(&machine, operation);
        if (machine.code.is_bad || steps == STEPS_MAX)
            return false;
    }
    *result = pop(&machine);
    return !machine.is_bad;
}
