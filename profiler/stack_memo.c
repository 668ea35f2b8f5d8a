/* find:
 *   1. the place of (pc, sp) names an entry, which is still in the ring, begins so, and is of this generation of rules;
 *   2. the stack pointer is on the thread's own stack, and what was read lies below its end, so that it can be read:
 *      a place that a frame pointer gave may be another one now, and the memo may be from a thread with a larger stack;
 *   3. every object that can be unloaded is still where it was;
 *   4. every return address in the stack is that of the interned stack; every saved frame pointer that a frame's place
 *      came from is the same.
 *   5. where one can be unloaded, no other thread is inside dlclose. Looked at last, as a walk does.
 * Then a walk from here would do what it did before, step for step.
 *
 * keep: writes an entry at the ring's end, or at its beginning where there is no room left, over what was there. What
 * `places` says of entries that were written over is found out by its distance to the newest.
 *
 *   ring:  | entry 7 | entry 8 |      entry 5 | entry 6 |  ..  |
 *                              ^ next
 *
 * Locks: none. Allocation: none. May run inside malloc. */
#include "profiler/stack_memo.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/bits.h"
#include "base/check.h"
#include "profiler/loader.h"
#include "profiler/rule_cache.h"
#include "profiler/stack_window.h"
#include "profiler/unwinder_eh.h"

static_assert(STACK_MEMO_BYTES % 8 == 0, "entries are aligned");

static size_t entry_bytes(size_t frame_count, size_t pointer_count) {
    size_t bytes = sizeof(struct stack_memo_entry) + frame_count * sizeof(uint16_t) +
                   pointer_count * sizeof(struct unwind_trace_pointer);
    return align_up(bytes, 8);
}

static uint64_t *place_of(struct stack_memo *memo, const struct unwind_registers *caller) {
    uint64_t hash = (caller->pc ^ caller->sp >> 3) * 0x9e3779b97f4a7c15ull;
    return &memo->places[hash >> (64 - log2_floor(STACK_MEMO_PLACES))];
}

static struct stack_memo_entry *entry_at(struct stack_memo *memo, uint64_t begin) {
    return (struct stack_memo_entry *)(void *)(memo->ring + begin % STACK_MEMO_BYTES);
}

static const struct unwind_trace_pointer *pointers_of(const struct stack_memo_entry *entry) {
    return (const struct unwind_trace_pointer *)(const void *)(entry->words + entry->frame_count - 1);
}

static bool is_unchanged(const struct stack_memo_entry *entry, const struct stack_view *stack) {
    const uintptr_t *base = (const uintptr_t *)entry->sp;
    const struct unwind_trace_pointer *pointers = pointers_of(entry);
    if (UNLIKELY(stack->retired || stack->count != entry->frame_count))
        return false;
    for (size_t i = 1; i < entry->frame_count; i++)
        if (UNLIKELY(unwind_strip(base[entry->words[i - 1]]) != stack->frames[i]))
            return false;
    for (size_t i = 0; i < entry->owner_count; i++)
        if (UNLIKELY(!unwinder_eh_owns(entry->owners[i].address, entry->owners[i].fingerprint)))
            return false;
    for (size_t i = 0; i < entry->pointer_count; i++)
        if (UNLIKELY(base[pointers[i].at] != (uintptr_t)(base + pointers[i].value)))
            return false;
    return LIKELY(!entry->owner_count) || !loader_is_unloading_elsewhere();
}

static __attribute__((noinline)) bool is_own_stack(uintptr_t sp) {
    int saved_errno = errno;
    bool is_own = stack_window_at(sp).is_own;
    errno = saved_errno;
    return is_own;
}

/* The farthest word is the last return address. */
static bool ends_within(const struct stack_memo_entry *entry, uintptr_t limit) {
    size_t words = entry->frame_count > 1 ? (size_t)entry->words[entry->frame_count - 2] + 1 : 0;
    return words <= (limit - entry->sp) / sizeof(uintptr_t);
}

uint32_t stack_memo_find(struct stack_memo *memo, const struct stack_table *stacks,
                         const struct unwind_registers *caller) {
    uint64_t begin = *place_of(memo, caller) - 1;
    if (UNLIKELY(begin >= memo->next || memo->next - begin > STACK_MEMO_BYTES))
        return 0;
    const struct stack_memo_entry *entry = entry_at(memo, begin);
    if (UNLIKELY(entry->pc != caller->pc || entry->sp != caller->sp ||
                 (entry->begins_with_fp && entry->fp != caller->fp) || entry->generation != rule_cache_now()))
        return 0;
    struct stack_view stack = stack_table_view(stacks, entry->stack);
    bool can_read = LIKELY(stack_window_is_known(caller->sp)) || is_own_stack(caller->sp);
    if (UNLIKELY(!can_read || !ends_within(entry, stack_window_known.limit)))
        return 0;
    return is_unchanged(entry, &stack) ? entry->stack : 0;
}

void stack_memo_keep(struct stack_memo *memo, const struct unwind_registers *caller, const struct unwind_trace *trace,
                     uint32_t stack, size_t frame_count) {
    if (!trace->is_whole || frame_count == 0 || frame_count > UNWIND_TRACE_FRAMES)
        return;
    size_t bytes = entry_bytes(frame_count - 1, trace->pointer_count),
           left = STACK_MEMO_BYTES - memo->next % STACK_MEMO_BYTES;
    uint64_t begin = memo->next + (bytes > left ? left : 0);
    struct stack_memo_entry *entry = entry_at(memo, begin);
    *entry = (struct stack_memo_entry){.pc = caller->pc,
                                       .sp = caller->sp,
                                       .fp = caller->fp,
                                       .generation = trace->generation,
                                       .stack = stack,
                                       .frame_count = (uint16_t)frame_count,
                                       .pointer_count = trace->pointer_count,
                                       .owner_count = (uint8_t)trace->owner_count,
                                       .begins_with_fp = trace->begins_with_fp};
    memcpy(entry->owners, trace->owners, trace->owner_count * sizeof *trace->owners);
    memcpy(entry->words, &trace->return_addresses[1], (frame_count - 1) * sizeof(uint16_t));
    memcpy(entry->words + frame_count - 1, trace->pointers, trace->pointer_count * sizeof *trace->pointers);
    memo->next = begin + bytes;
    *place_of(memo, caller) = begin + 1;
}
