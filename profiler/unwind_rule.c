/* Packing: an offset fits when it is a multiple of 8 and its quotient has room in the field.
 *
 * Locks: none. Allocation: none. */
#include "profiler/unwind_rule.h"

enum { WORD = 8 };

/* `offset` into bits [shift, limit) of *word. */
static bool put_offset(uint64_t *word, int64_t offset, int shift, int limit) {
    int bits = limit - shift;
    int64_t units = offset / WORD;
    if (offset % WORD != 0 || units < -(INT64_C(1) << (bits - 1)) || units >= INT64_C(1) << (bits - 1))
        return false;
    *word |= ((uint64_t)units & ((UINT64_C(1) << bits) - 1)) << shift;
    return true;
}

bool unwind_rule_pack(const struct unwind_rule *rule, uint8_t owner, uint64_t *word) {
    uint64_t packed =
        (uint64_t)rule->cfa | (uint64_t)rule->fp << UNWIND_RULE_FP_SHIFT | (uint64_t)rule->ra << UNWIND_RULE_RA_SHIFT |
        (uint64_t)rule->is_signal << UNWIND_RULE_SIGNAL_SHIFT | (uint64_t)owner << UNWIND_RULE_OWNER_SHIFT;
    if (rule->cfa_plus != 0 || !put_offset(&packed, rule->cfa_offset, UNWIND_RULE_CFA_OFFSET_SHIFT, 64) ||
        !put_offset(&packed, rule->ra_offset, UNWIND_RULE_RA_OFFSET_SHIFT, UNWIND_RULE_CFA_OFFSET_SHIFT) ||
        !put_offset(&packed, rule->fp_offset, UNWIND_RULE_FP_OFFSET_SHIFT, UNWIND_RULE_RA_OFFSET_SHIFT))
        return false;
    *word = packed;
    return true;
}
