/* One lookup and two or three loads a frame:
 *
 *   1. the address of the code is the key: for a return address the one before it, which is in the call;
 *   2. the rule's word is in the cache, or is read from the object's tables and put there;
 *   3. the word names an owner, a fingerprint of the object that it was read from. Where that is one that can be
 *      unloaded, the loader is asked (without a lock) whether it is still there, once in a walk;
 *   4. the rule gives the caller's stack pointer, which must be above the last one, and the places of the return
 *      address and the frame pointer, which must be in memory of the stack.
 * The walk is cut where one of these fails: there is no table, or the rule is not understood. Our own frames, with
 * which every walk begins, need none where all of our code keeps a frame pointer at every call: our tables stay unread,
 * which saves each process that samples the memory of two windows of the library's file.
 *
 * Unloading is known in two ways: our dlclose begins a new generation of the cache, and what glibc unloads by itself
 * is met by the owner's fingerprint. While another thread is inside dlclose, a walk through anything that can be
 * unloaded comes to nothing: a library may be gone and another at its place before the generation has changed.
 *
 * Locks: none. Allocation: none. errno is changed. May run inside malloc and in a signal handler. */
#include "profiler/unwinder_eh.h"

#include <string.h>

#include "base/atomic.h"
#include "base/check.h"
#include "profiler/eh_frame.h"
#include "profiler/byte_reader.h"
#include "profiler/loader.h"
#include "profiler/probe.h"
#include "profiler/rule_cache.h"
#include "profiler/stack_window.h"

/* No owner is 0, so that no rule's word is. */
enum { WORD = sizeof(uintptr_t), OWNER_PERMANENT = 255, SMALLEST_PAGE = 4096 };

struct walk {
    struct unwind_registers at;
    struct stack_window stack;
    uint64_t generation;
    uintptr_t owner_start, owner_limit; /* the object that was asked about last */
    uint8_t owner;
    bool may_go;   /* it led through an object that can be unloaded */
    bool is_exact; /* at.pc is an instruction that was interrupted, not one after a call */
};

static _Atomic uint64_t cut;

uint64_t unwinder_eh_cut(void) { return atomic_load_relaxed(&cut); }
void unwinder_eh_forget(void) { rule_cache_forget(); }

/* Constant after start. */
static uintptr_t own_start, own_limit;

void unwinder_eh_set_own_code(uintptr_t start, uintptr_t limit) {
    own_start = start;
    own_limit = limit;
}

bool unwinder_eh_start(void) {
    stack_window_start();
    return loader_has_lookup();
}

/* A number from 1 to 254 for what can be unloaded; OWNER_PERMANENT for what stays. */
static uint8_t fingerprint(const struct loader_identity *object) {
    if (object->is_permanent)
        return OWNER_PERMANENT;
    uint64_t hash = (object->start * 31 + object->tables) * 31 + object->limit * 7 + object->link_map;
    return (uint8_t)(1 + (hash * UINT64_C(0x9e3779b97f4a7c15) >> 32) % (OWNER_PERMANENT - 1));
}

/* Asks whose the code at `address` is, unless that is what was asked last. */
static bool find_owner(struct walk *walk, uintptr_t address) {
    struct loader_identity object;
    if (address - walk->owner_start < walk->owner_limit - walk->owner_start)
        return true;
    if (!loader_identify(address, &object))
        return false;
    walk->owner_start = object.start;
    walk->owner_limit = object.limit;
    walk->owner = fingerprint(&object);
    walk->may_go |= walk->owner != OWNER_PERMANENT;
    return true;
}

/* Code in no object may still be the kernel's or an emulator's way out of a signal handler. */
static bool find_lone_trampoline(uintptr_t address, struct unwind_rule *rule) {
    uintptr_t last = address + UNWIND_TRAMPOLINE_BYTES - 1;
    return probe_can_read(address) && (last / SMALLEST_PAGE == address / SMALLEST_PAGE || probe_can_read(last)) &&
           unwind_signal_frame((const uint8_t *)address, rule);
}

/* `address` is in the code, `pc` is what the walk has; they differ by 1 at a return address. */
static bool read_rule(uintptr_t pc, uintptr_t address, struct unwind_rule *rule) {
    struct dl_phdr_info object;
    if (!loader_find_object(address, &object) && !loader_find_object(pc, &object))
        return find_lone_trampoline(pc, rule);
    struct byte_reader code = eh_frame_segment(&object, pc);
    if (!code.is_bad && code.limit - code.at >= UNWIND_TRAMPOLINE_BYTES && unwind_signal_frame(code.at, rule))
        return true;
    return eh_frame_find(&object, address, rule);
}

/* A return address that no call left there: makecontext puts the start of a function of the C library below a fiber's
 * first frame. Nothing is above it. */
__attribute__((noinline)) static bool is_bottom(uintptr_t pc) {
    struct dl_phdr_info object;
    return loader_find_object(pc, &object) && eh_frame_begins(&object, pc);
}

bool unwinder_eh_rule(uintptr_t address, struct unwind_rule *rule) { return read_rule(address, address, rule); }

/* What the cache does not know: reads it, and tells the cache where it can be kept. */
static __attribute__((noinline)) struct unwind_rule learn(struct walk *walk) {
    struct unwind_rule rule;
    uintptr_t address = walk->at.pc - !walk->is_exact;
    uint64_t word;
    bool is_own = !walk->is_exact && address - own_start < own_limit - own_start && unwind_frame_of_ours(&rule);
    if (!is_own && !read_rule(walk->at.pc, address, &rule))
        rule = (struct unwind_rule){.ra = !walk->is_exact && is_bottom(walk->at.pc) ? UNWIND_END : UNWIND_CUT};
    if (find_owner(walk, address) && unwind_rule_pack(&rule, walk->owner, &word))
        rule_cache_add(walk->at.pc, walk->is_exact, walk->generation, word);
    return rule;
}

static inline bool read_word(struct walk *walk, uintptr_t address, uintptr_t *word) {
    if (UNLIKELY(address % WORD != 0 || !stack_window_holds(&walk->stack, address)))
        return false;
    *word = *(const uintptr_t *)address;
    return true;
}

static inline uintptr_t base_of(const struct walk *walk, enum unwind_place place, uintptr_t cfa) {
    if (LIKELY(place == UNWIND_IN_CFA))
        return cfa;
    return place == UNWIND_IN_SP ? walk->at.sp : walk->at.fp;
}

static inline bool find_cfa(struct walk *walk, const struct unwind_rule *rule, uintptr_t *cfa) {
    bool is_fp = rule->cfa & 1;
    if (UNLIKELY(is_fp && !walk->at.fp_is_known))
        return false;
    *cfa = (is_fp ? walk->at.fp : walk->at.sp) + (uintptr_t)rule->cfa_offset;
    if (UNLIKELY(rule->cfa >= UNWIND_BASE_AT_SP)) {
        if (!read_word(walk, *cfa, cfa))
            return false;
        *cfa += (uintptr_t)rule->cfa_plus;
    }
    return rule->is_signal || LIKELY(*cfa > walk->at.sp || (rule->ra == UNWIND_SAME && *cfa == walk->at.sp));
}

static inline bool find_caller(struct walk *walk, const struct unwind_rule *rule, uintptr_t cfa, uintptr_t *pc) {
    if (UNLIKELY(rule->ra == UNWIND_SAME)) {
        *pc = walk->at.link;
        return walk->at.link_is_known;
    }
    return (rule->ra != UNWIND_IN_FP || walk->at.fp_is_known) &&
           read_word(walk, base_of(walk, rule->ra, cfa) + (uintptr_t)rule->ra_offset, pc);
}

static inline void find_frame_pointer(struct walk *walk, const struct unwind_rule *rule, uintptr_t cfa) {
    struct unwind_registers *at = &walk->at;
    if (rule->fp == UNWIND_SAME)
        return;
    if (rule->fp == UNWIND_LOST || (rule->fp == UNWIND_IN_FP && !at->fp_is_known) ||
        !read_word(walk, base_of(walk, rule->fp, cfa) + (uintptr_t)rule->fp_offset, &at->fp))
        at->fp_is_known = false;
    else
        at->fp_is_known = true;
}

/* The interrupted code may be on another stack, and its link register, where there is one, is saved. */
static void cross_signal(struct walk *walk, uintptr_t cfa) {
    uintptr_t link = unwind_signal_link(walk->at.sp);
    walk->at.link_is_known = link && read_word(walk, link, &walk->at.link);
    walk->stack = stack_window_at(cfa);
    walk->is_exact = true;
}

/* From a frame to its caller's; false where the walk ends. */
static inline bool step(struct walk *walk, const struct unwind_rule *rule) {
    uintptr_t cfa = 0, pc = 0;
    if (UNLIKELY(rule->ra >= UNWIND_END)) {
        if (rule->ra == UNWIND_CUT)
            atomic_add_relaxed(&cut, 1);
        return false;
    }
    if (UNLIKELY(!find_cfa(walk, rule, &cfa) || !find_caller(walk, rule, cfa, &pc))) {
        atomic_add_relaxed(&cut, 1);
        return false;
    }
    find_frame_pointer(walk, rule, cfa);
    walk->at.link_is_known = false;
    walk->is_exact = false;
    if (UNLIKELY(rule->is_signal))
        cross_signal(walk, cfa);
    walk->at.pc = unwind_strip(pc);
    walk->at.sp = cfa;
    return true;
}

/* The rules that compilers' code has nearly everywhere: the CFA is at an offset from a
 * register, the return address at one from the CFA, and so is the frame pointer if it was saved. */
#define COMMON(base, fp) UNWIND_RULE_SHAPE(base, fp, UNWIND_IN_CFA)

/* A trace while it is made. */
struct trail {
    struct unwind_trace *trace;
    uintptr_t begin;
    uintptr_t farthest;   /* all distances, one over the other: none was larger than this is wide */
    uintptr_t pointer_at; /* where the frame pointer was read; 0 = it is the one from the beginning */
};

static inline void trail_begin(struct trail *trail, const struct walk *walk) {
    trail->begin = walk->at.sp;
    trail->trace->generation = walk->generation;
    trail->trace->pointer_count = trail->trace->owner_count = 0;
    trail->trace->begins_with_fp = false;
    trail->trace->is_whole = walk->stack.is_own && walk->at.sp % WORD == 0 && !walk->is_exact;
}

static inline uint16_t trail_words(struct trail *trail, uintptr_t address) {
    trail->farthest |= address - trail->begin;
    return (uint16_t)((address - trail->begin) / WORD);
}

static inline void trail_add(struct trail *trail, size_t number, uintptr_t return_address_at) {
    if (LIKELY(number < UNWIND_TRACE_FRAMES))
        trail->trace->return_addresses[number] = trail_words(trail, return_address_at);
    else
        trail->trace->is_whole = false;
}

static inline void trail_use_pointer(struct trail *trail, uintptr_t fp) {
    struct unwind_trace *trace = trail->trace;
    if (!trail->pointer_at) {
        trace->begins_with_fp = true;
    } else if (LIKELY(trace->pointer_count < UNWIND_TRACE_POINTERS)) {
        trace->pointers[trace->pointer_count++] =
            (struct unwind_trace_pointer){trail_words(trail, trail->pointer_at), trail_words(trail, fp)};
    } else {
        trace->is_whole = false;
    }
}

static inline void trail_use_object(struct trail *trail, uintptr_t address, uint8_t owner) {
    struct unwind_trace *trace = trail->trace;
    if (LIKELY(trace->owner_count < UNWIND_TRACE_OWNERS))
        trace->owners[trace->owner_count++] = (struct unwind_trace_owner){address, owner};
    else
        trace->is_whole = false;
}

static inline void trail_end(struct trail *trail) {
    if (trail->farthest / WORD > UINT16_MAX || trail->farthest % WORD != 0)
        trail->trace->is_whole = false;
}

/* Whether a rule that was read from `owner` for `address` is still true. Where it is not, the C library has unloaded
 * something. */
static __attribute__((noinline)) bool is_owned_at(struct walk *walk, uintptr_t address, uint8_t owner,
                                                  struct trail *trail) {
    uintptr_t last = walk->owner_start;
    if (UNLIKELY(!find_owner(walk, address) || walk->owner != owner)) {
        rule_cache_forget();
        return false;
    }
    if (trail && walk->owner_start != last)
        trail_use_object(trail, address, owner);
    return true;
}

static inline bool is_owned(struct walk *walk, uint8_t owner, struct trail *trail) {
    return LIKELY(owner == OWNER_PERMANENT) || is_owned_at(walk, walk->at.pc - !walk->is_exact, owner, trail);
}

/* Steps as far as they are of the common kind, with the state in the processor's registers. The frame at walk->at is in
 * `frames` already; so is the one that this ends with.
 *
 * Each frame waits for the last one: the address gives the rule, the rule the place of the next address. So what the
 * buffer holds from an earlier capture serves as a guess. Where it is right, and a branch that is foreseen says so,
 * the processor goes on with the guess without waiting for the address itself. It is compared in any case, so a
 * wrong guess costs time and nothing else. The compiler must not know that both are equal there. */
static inline __attribute__((always_inline)) size_t step_while_common(struct walk *walk, struct trail *trail,
                                                                      uintptr_t *frames, size_t count, size_t room) {
    uintptr_t pc = walk->at.pc, sp = walk->at.sp, fp = walk->at.fp;
    const uintptr_t low = walk->stack.low, size = walk->stack.limit - low;
    const uint64_t generation = walk->generation;
    if (UNLIKELY(walk->is_exact || !walk->at.fp_is_known))
        return count;
    while (count < room) {
        uint64_t word = rule_cache_find(pc, false, generation), kind = word & UNWIND_RULE_SHAPE_MASK;
        uintptr_t cfa = (uintptr_t)unwind_rule_field(word, UNWIND_RULE_CFA_OFFSET_SHIFT, 64);
        if (LIKELY(kind == COMMON(UNWIND_BASE_SP, UNWIND_SAME) || kind == COMMON(UNWIND_BASE_SP, UNWIND_IN_CFA)))
            cfa += sp;
        else if (LIKELY(kind == COMMON(UNWIND_BASE_FP, UNWIND_IN_CFA)) && fp % WORD == 0) {
            cfa += fp;
            if (trail)
                trail_use_pointer(trail, fp);
        } else
            break;
        uintptr_t ra =
            cfa + (uintptr_t)unwind_rule_field(word, UNWIND_RULE_RA_OFFSET_SHIFT, UNWIND_RULE_CFA_OFFSET_SHIFT);
        if (UNLIKELY(unwind_rule_owner(word) != OWNER_PERMANENT) &&
            !is_owned_at(walk, pc - 1, unwind_rule_owner(word), trail))
            break;
        if (UNLIKELY(cfa <= sp || ra - low >= size))
            break;
        if (kind != COMMON(UNWIND_BASE_SP, UNWIND_SAME)) {
            uintptr_t saved =
                cfa + (uintptr_t)unwind_rule_field(word, UNWIND_RULE_FP_OFFSET_SHIFT, UNWIND_RULE_RA_OFFSET_SHIFT);
            if (UNLIKELY(saved - low >= size))
                break;
            fp = *(const uintptr_t *)saved;
            if (trail)
                trail->pointer_at = saved;
        }
        if (trail)
            trail_add(trail, count, ra);
        sp = cfa;
        uintptr_t guess = frames[count], same_guess;
        __asm__("" : "=r"(same_guess) : "0"(guess));
        pc = unwind_strip(*(const uintptr_t *)ra);
        if (LIKELY(pc == guess))
            pc = same_guess;
        else if (pc < SMALLEST_PAGE)
            break;
        frames[count++] = pc;
    }
    walk->at.pc = pc;
    walk->at.sp = sp;
    walk->at.fp = fp;
    return count;
}

static inline __attribute__((always_inline)) size_t walk_from(const struct unwind_registers *registers,
                                                              struct trail *trail, uintptr_t *frames, size_t room) {
    struct walk walk = {.at = *registers, .generation = rule_cache_now()};
    size_t count = 0;
    walk.stack = stack_window_at(walk.at.sp);
    if (trail)
        trail_begin(trail, &walk);
    while (count < room && walk.at.pc >= SMALLEST_PAGE) {
        frames[count++] = walk.at.pc;
        count = step_while_common(&walk, trail, frames, count, room);
        if (count == room)
            break;
        if (walk.at.pc < SMALLEST_PAGE) {
            if (trail) /* there may be a return address the next time */
                trail->trace->is_whole = false;
            break;
        }
        uint64_t word = rule_cache_find(walk.at.pc, walk.is_exact, walk.generation);
        bool is_known = word != 0 && is_owned(&walk, unwind_rule_owner(word), trail);
        struct unwind_rule rule = is_known ? unwind_rule_unpack(word) : learn(&walk);
        if (trail && rule.ra != UNWIND_END)
            trail->trace->is_whole = false;
        if (!step(&walk, &rule))
            break;
    }
    if (trail)
        trail_end(trail);
    return UNLIKELY(walk.may_go && loader_is_unloading_elsewhere()) ? 0 : count;
}

size_t unwinder_eh_walk(const struct unwind_registers *registers, uintptr_t *frames, size_t room) {
    return walk_from(registers, NULL, frames, room);
}

bool unwinder_eh_owns(uintptr_t address, uint8_t owner) {
    struct loader_identity object;
    return loader_identify(address, &object) && fingerprint(&object) == owner;
}

size_t unwinder_eh_trace(const struct unwind_registers *registers, uintptr_t *frames, size_t room,
                         struct unwind_trace *trace) {
    struct trail trail = {.trace = trace};
    return walk_from(registers, &trail, frames, room);
}

/* Begins in the caller: the frame of this function is where the compiler says it is. */
__attribute__((noinline)) size_t unwinder_eh_capture(uintptr_t *frames, size_t room) {
    struct unwind_registers registers = {
        .pc = unwind_strip((uintptr_t)__builtin_return_address(0)),
        .sp = (uintptr_t)__builtin_dwarf_cfa(),
        .fp = *(const uintptr_t *)__builtin_frame_address(0),
        .fp_is_known = true,
    };
    return unwinder_eh_walk(&registers, frames, room);
}
