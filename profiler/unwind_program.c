/* A row of the table says where the caller's registers are. Of the registers three matter, and the rest is read
 * over. The stack pointer of the caller is by convention the CFA; an entry that says otherwise (the signal
 * trampoline's) has to agree with its CFA.
 *
 * run:
 *   1. the common instructions make the first row, which DW_CFA_restore comes back to;
 *   2. the entry's instructions change it, until one would advance beyond the address;
 *   3. the row becomes a rule.
 *
 * Locks: none. Allocation: none. May run inside malloc. */
#include "profiler/unwind_program.h"

#include "profiler/dwarf_numbers.h"
#include "profiler/unwind_expression.h"
#include "profiler/unwind_machine.h"

enum { REMEMBERED_MAX = 6 };

enum slot { SLOT_FP, SLOT_SP, SLOT_RA, SLOTS, SLOT_NONE = SLOTS };

enum where {
    WHERE_UNSAID,    /* nothing was said */
    WHERE_SAME,      /* in the register itself */
    WHERE_UNDEFINED, /* gone */
    WHERE_IN_MEMORY, /* the word at `value` */
    WHERE_IS_CFA,    /* the CFA itself */
    WHERE_ELSE,      /* not understood */
};

struct place {
    enum where where;
    struct unwind_value value;
};

struct row {
    uint64_t cfa_register;
    int64_t cfa_offset;
    struct unwind_value cfa; /* where it is given by an expression */
    bool cfa_is_expression, cfa_is_bad;
    struct place slots[SLOTS];
};

struct program {
    const struct unwind_entry *entry;
    uintptr_t at, target;
    struct row row, first, remembered[REMEMBERED_MAX];
    unsigned used;
    bool is_bad;
};

static enum slot slot_of(const struct program *program, uint64_t number) {
    if (number == program->entry->return_register)
        return SLOT_RA;
    if (number == UNWIND_REGISTER_FP)
        return SLOT_FP;
    return number == UNWIND_REGISTER_SP ? SLOT_SP : SLOT_NONE;
}

static void set_place(struct program *program, uint64_t number, enum where where, struct unwind_value value) {
    enum slot slot = slot_of(program, number);
    if (slot != SLOT_NONE)
        program->row.slots[slot] = (struct place){where, value};
}

static void set_where(struct program *program, uint64_t number, enum where where) {
    set_place(program, number, where, (struct unwind_value){0});
}

static void set_offset(struct program *program, uint64_t number, int64_t factored) {
    int64_t offset = (int64_t)((uint64_t)factored * (uint64_t)program->entry->data_factor);
    set_place(program, number, WHERE_IN_MEMORY, (struct unwind_value){UNWIND_VALUE_CFA, offset, 0});
}

static void restore(struct program *program, uint64_t number) {
    enum slot slot = slot_of(program, number);
    if (slot != SLOT_NONE)
        program->row.slots[slot] = program->first.slots[slot];
}

static void define_cfa(struct program *program, uint64_t number, int64_t offset) {
    program->row.cfa_register = number;
    program->row.cfa_offset = offset;
    program->row.cfa_is_expression = program->row.cfa_is_bad = false;
}

static void set_expression(struct program *program, struct byte_reader *code) {
    static const struct unwind_value cfa = {UNWIND_VALUE_CFA, 0, 0};
    struct unwind_value value = {0};
    uint64_t number = byte_reader_uleb(code);
    struct byte_reader expression = byte_reader_part(code, byte_reader_uleb(code));
    if (slot_of(program, number) == SLOT_NONE)
        return;
    if (unwind_expression_evaluate(expression, program->target, &cfa, &value))
        set_place(program, number, WHERE_IN_MEMORY, value);
    else
        set_where(program, number, WHERE_ELSE);
}

/* False: the address is reached, the row stands. */
static bool advance(struct program *program, uint64_t units) {
    uint64_t bytes = units * program->entry->code_factor;
    if (program->target - program->at < bytes)
        return false;
    program->at += bytes;
    return true;
}

static void remember(struct program *program) {
    if (program->used == REMEMBERED_MAX)
        program->is_bad = true;
    else
        program->remembered[program->used++] = program->row;
}

static void recall(struct program *program) {
    if (program->used == 0)
        program->is_bad = true;
    else
        program->row = program->remembered[--program->used];
}

static void run_cfa(struct program *program, struct byte_reader *code, uint8_t operation) {
    struct row *row = &program->row;
    int64_t factor = program->entry->data_factor;
    uint64_t number = row->cfa_register;
    if (operation == DW_CFA_def_cfa || operation == DW_CFA_def_cfa_sf || operation == DW_CFA_def_cfa_register)
        number = byte_reader_uleb(code);
    switch (operation) {
    case DW_CFA_def_cfa_register:
        define_cfa(program, number, row->cfa_offset);
        break;
    case DW_CFA_def_cfa:
    case DW_CFA_def_cfa_offset:
        define_cfa(program, number, (int64_t)byte_reader_uleb(code));
        break;
    case DW_CFA_def_cfa_sf:
    case DW_CFA_def_cfa_offset_sf:
        define_cfa(program, number, (int64_t)((uint64_t)byte_reader_sleb(code) * (uint64_t)factor));
        break;
    default: /* DW_CFA_def_cfa_expression */
        row->cfa_is_expression = true;
        struct byte_reader expression = byte_reader_part(code, byte_reader_uleb(code));
        row->cfa_is_bad = !unwind_expression_evaluate(expression, program->target, NULL, &row->cfa);
    }
}

static void run_place(struct program *program, struct byte_reader *code, uint8_t operation) {
    uint64_t number = byte_reader_uleb(code);
    switch (operation) {
    case DW_CFA_offset_extended:
        set_offset(program, number, (int64_t)byte_reader_uleb(code));
        break;
    case DW_CFA_offset_extended_sf:
        set_offset(program, number, byte_reader_sleb(code));
        break;
    case DW_CFA_GNU_negative_offset_extended:
        set_offset(program, number, (int64_t)(0 - byte_reader_uleb(code)));
        break;
    case DW_CFA_restore_extended:
        restore(program, number);
        break;
    case DW_CFA_undefined:
        set_where(program, number, WHERE_UNDEFINED);
        break;
    case DW_CFA_same_value:
        set_where(program, number, WHERE_SAME);
        break;
    case DW_CFA_register:
        set_where(program, number, byte_reader_uleb(code) == number ? WHERE_SAME : WHERE_ELSE);
        break;
    case DW_CFA_val_offset:
        set_where(program, number, byte_reader_uleb(code) == 0 ? WHERE_IS_CFA : WHERE_ELSE);
        break;
    case DW_CFA_val_offset_sf:
        set_where(program, number, byte_reader_sleb(code) == 0 ? WHERE_IS_CFA : WHERE_ELSE);
        break;
    default: /* DW_CFA_val_expression */
        byte_reader_skip(code, byte_reader_uleb(code));
        set_where(program, number, WHERE_ELSE);
    }
}

/* One instruction of those that have a byte of their own. False: the address is reached. */
static bool run_one(struct program *program, struct byte_reader *code, uint8_t operation) {
    switch (operation) {
    case DW_CFA_nop:
        return true;
    case DW_CFA_advance_loc1:
        return advance(program, byte_reader_fixed(code, 1, false));
    case DW_CFA_advance_loc2:
        return advance(program, byte_reader_fixed(code, 2, false));
    case DW_CFA_advance_loc4:
        return advance(program, byte_reader_fixed(code, 4, false));
    case DW_CFA_remember_state:
        remember(program);
        return true;
    case DW_CFA_restore_state:
        recall(program);
        return true;
    case DW_CFA_def_cfa:
    case DW_CFA_def_cfa_register:
    case DW_CFA_def_cfa_offset:
    case DW_CFA_def_cfa_expression:
    case DW_CFA_def_cfa_sf:
    case DW_CFA_def_cfa_offset_sf:
        run_cfa(program, code, operation);
        return true;
    case DW_CFA_expression:
        set_expression(program, code);
        return true;
    case DW_CFA_offset_extended:
    case DW_CFA_restore_extended:
    case DW_CFA_undefined:
    case DW_CFA_same_value:
    case DW_CFA_register:
    case DW_CFA_offset_extended_sf:
    case DW_CFA_val_offset:
    case DW_CFA_val_offset_sf:
    case DW_CFA_val_expression:
    case DW_CFA_GNU_negative_offset_extended:
        run_place(program, code, operation);
        return true;
    case DW_CFA_AARCH64_negate_ra_state: /* signatures are stripped from every address anyway */
        return true;
    case DW_CFA_GNU_args_size:
        byte_reader_uleb(code);
        return true;
    default: /* DW_CFA_set_loc, which no compiler writes, and what nobody knows */
        program->is_bad = true;
        return true;
    }
}

static void run(struct program *program, struct byte_reader code) {
    bool goes_on = true;
    while (goes_on && code.at < code.limit && !program->is_bad) {
        uint8_t operation = byte_reader_u8(&code), low = operation & 0x3f;
        switch (operation & 0xc0) {
        case DW_CFA_advance_loc:
            goes_on = advance(program, low);
            break;
        case DW_CFA_offset:
            set_offset(program, low, (int64_t)byte_reader_uleb(&code));
            break;
        case DW_CFA_restore:
            restore(program, low);
            break;
        default:
            goes_on = run_one(program, &code, operation);
        }
        program->is_bad |= code.is_bad;
    }
}

static bool cfa_to_rule(const struct row *row, struct unwind_rule *rule) {
    if (!row->cfa_is_expression) {
        rule->cfa = row->cfa_register == UNWIND_REGISTER_SP ? UNWIND_BASE_SP : UNWIND_BASE_FP;
        rule->cfa_offset = row->cfa_offset;
        return row->cfa_register == UNWIND_REGISTER_SP || row->cfa_register == UNWIND_REGISTER_FP;
    }
    bool is_word = row->cfa.symbol == UNWIND_VALUE_AT_SP || row->cfa.symbol == UNWIND_VALUE_AT_FP;
    rule->cfa_offset = is_word ? row->cfa.inner : row->cfa.plus;
    rule->cfa_plus = is_word ? row->cfa.plus : 0;
    switch (row->cfa.symbol) {
    case UNWIND_VALUE_SP:
        rule->cfa = UNWIND_BASE_SP;
        break;
    case UNWIND_VALUE_FP:
        rule->cfa = UNWIND_BASE_FP;
        break;
    case UNWIND_VALUE_AT_SP:
        rule->cfa = UNWIND_BASE_AT_SP;
        break;
    case UNWIND_VALUE_AT_FP:
        rule->cfa = UNWIND_BASE_AT_FP;
        break;
    default:
        return false;
    }
    return !row->cfa_is_bad;
}

/* Where a word in memory is; false where that is not one of the places a rule knows. */
static bool memory_to_rule(const struct place *place, enum unwind_place *where, int64_t *offset) {
    *offset = place->value.plus;
    switch (place->value.symbol) {
    case UNWIND_VALUE_CFA:
        *where = UNWIND_IN_CFA;
        return true;
    case UNWIND_VALUE_SP:
        *where = UNWIND_IN_SP;
        return true;
    case UNWIND_VALUE_FP:
        *where = UNWIND_IN_FP;
        return true;
    default:
        return false;
    }
}

/* Whether the caller's stack pointer is the CFA. */
static bool is_cfa(const struct place *place, const struct unwind_rule *rule) {
    if (place->where == WHERE_IN_MEMORY)
        return place->value.symbol == UNWIND_VALUE_SP && rule->cfa == UNWIND_BASE_AT_SP && rule->cfa_plus == 0 &&
               place->value.plus == rule->cfa_offset;
    return place->where == WHERE_UNSAID || place->where == WHERE_IS_CFA;
}

static struct unwind_rule row_to_rule(const struct row *row, bool is_signal) {
    static const struct unwind_rule cut = {.ra = UNWIND_CUT}, end = {.ra = UNWIND_END};
    struct unwind_rule rule = {.is_signal = is_signal};
    const struct place *fp = &row->slots[SLOT_FP], *ra = &row->slots[SLOT_RA];
    if (ra->where == WHERE_UNDEFINED)
        return end;
    if (ra->where == WHERE_ELSE || ra->where == WHERE_IS_CFA || !cfa_to_rule(row, &rule) ||
        !is_cfa(&row->slots[SLOT_SP], &rule))
        return cut;
    if (ra->where == WHERE_IN_MEMORY && !memory_to_rule(ra, &rule.ra, &rule.ra_offset))
        return cut;
    /* A frame ends at its CFA, and what it has saved is in it. The tables of aarch64's loader say else, wrongly, of the
     * code that binds a function at its first call. */
    if (rule.ra == UNWIND_IN_CFA && rule.ra_offset >= 0 && !is_signal)
        return cut;
    if (fp->where == WHERE_UNSAID || fp->where == WHERE_SAME)
        rule.fp = UNWIND_SAME;
    else if (fp->where != WHERE_IN_MEMORY || !memory_to_rule(fp, &rule.fp, &rule.fp_offset)) {
        rule.fp = UNWIND_LOST;
        rule.fp_offset = 0;
    }
    return rule;
}

struct unwind_rule unwind_program_run(const struct unwind_entry *entry, uintptr_t address) {
    static const struct unwind_rule cut = {.ra = UNWIND_CUT};
    struct program program = {.entry = entry, .at = address, .target = address};
    program.row.cfa_register = UINT64_MAX;
    run(&program, entry->common_code);
    program.first = program.row;
    program.at = entry->start;
    run(&program, entry->code);
    return program.is_bad ? cut : row_to_rule(&program.row, entry->is_signal);
}
