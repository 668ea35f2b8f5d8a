/* How to get from one frame to its caller's, at one address of the code: what the unwind tables say there,
 * reduced to the three registers that a walk needs. A rule is a plain fact about the code, the same for every thread.
 *
 *   CFA          the caller's stack pointer: base + cfa_offset, where the base is the stack pointer or the frame
 *                pointer; for the bases AT_*, the word at that address, + cfa_plus
 *   frame ptr    unchanged, or the word at place + fp_offset, or not known
 *   return addr  the word at place + ra_offset, or in the link register; or there is no caller; or the rule is one
 *                that is not understood, and the walk is cut
 *
 * Nearly every rule fits into one word beside a fingerprint of the object that it belongs to:
 *
 *   63        45 44       31 30       17 16   9  8   7  5  4  2  1 0
 *    cfa_offset   ra_offset   fp_offset  owner sig  ra    fp   cfa      offsets in units of 8 bytes
 *
 * What a walk waits for, the CFA's offset, is one shift away. */
#ifndef HEAPTAP_PROFILER_UNWIND_RULE_H
#define HEAPTAP_PROFILER_UNWIND_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum unwind_base { UNWIND_BASE_SP, UNWIND_BASE_FP, UNWIND_BASE_AT_SP, UNWIND_BASE_AT_FP };

enum unwind_place {
    UNWIND_SAME, /* the frame pointer is the caller's; the return address is in the link register */
    UNWIND_IN_CFA,
    UNWIND_IN_SP,
    UNWIND_IN_FP,
    UNWIND_LOST, /* frame pointer only: nobody knows */
    UNWIND_END,  /* return address only: the outermost frame */
    UNWIND_CUT,  /* return address only: not understood */
};

struct unwind_rule {
    enum unwind_base cfa;
    enum unwind_place fp, ra;
    bool is_signal; /* the caller was interrupted: its address is exact, not that of the next instruction */
    int64_t cfa_offset, cfa_plus, fp_offset, ra_offset;
};

enum {
    UNWIND_RULE_FP_SHIFT = 2,
    UNWIND_RULE_RA_SHIFT = 5,
    UNWIND_RULE_SIGNAL_SHIFT = 8,
    UNWIND_RULE_OWNER_SHIFT = 9,
    UNWIND_RULE_FP_OFFSET_SHIFT = 17,
    UNWIND_RULE_RA_OFFSET_SHIFT = 31,
    UNWIND_RULE_CFA_OFFSET_SHIFT = 45,
};

/* Everything but owner and offsets. */
#define UNWIND_RULE_SHAPE_MASK ((UINT64_C(1) << UNWIND_RULE_OWNER_SHIFT) - 1)
#define UNWIND_RULE_SHAPE(cfa, fp, ra)                                                                                 \
    ((uint64_t)(cfa) | (uint64_t)(fp) << UNWIND_RULE_FP_SHIFT | (uint64_t)(ra) << UNWIND_RULE_RA_SHIFT)

/* The rule in one word; false where it does not fit. */
bool unwind_rule_pack(const struct unwind_rule *rule, uint8_t owner, uint64_t *word);

static inline uint8_t unwind_rule_owner(uint64_t word) { return (uint8_t)(word >> UNWIND_RULE_OWNER_SHIFT); }

/* A signed field of the word, in bytes. */
static inline int64_t unwind_rule_field(uint64_t word, int shift, int limit) {
    return ((int64_t)(word << (64 - limit)) >> (64 - limit + shift)) * 8;
}

static inline struct unwind_rule unwind_rule_unpack(uint64_t word) {
    return (struct unwind_rule){
        .cfa = (enum unwind_base)(word & 3),
        .fp = (enum unwind_place)(word >> UNWIND_RULE_FP_SHIFT & 7),
        .ra = (enum unwind_place)(word >> UNWIND_RULE_RA_SHIFT & 7),
        .is_signal = word >> UNWIND_RULE_SIGNAL_SHIFT & 1,
        .cfa_offset = unwind_rule_field(word, UNWIND_RULE_CFA_OFFSET_SHIFT, 64),
        .ra_offset = unwind_rule_field(word, UNWIND_RULE_RA_OFFSET_SHIFT, UNWIND_RULE_CFA_OFFSET_SHIFT),
        .fp_offset = unwind_rule_field(word, UNWIND_RULE_FP_OFFSET_SHIFT, UNWIND_RULE_RA_OFFSET_SHIFT),
    };
}

#endif
