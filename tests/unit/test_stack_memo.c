/* A memo of stacks: whatever it says is compared with a walk of the same stack that remembers nothing, over random
 * trees of calls by functions with and without frame pointers, whose frames have many sizes and lie over those of calls
 * before. It says nothing of a stack after its rules were forgotten or it was retired, and with words of the stack
 * changed. */
#include "profiler/stack_memo.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/rand.h"
#include "profiler/loader.h"
#include "profiler/stack_window.h"
#include "profiler/unwinder_eh.h"
#include "tests/support/unit.h"

#define PLAIN        __attribute__((noinline, noclone))
#define NO_TAIL_CALL __asm__ volatile("" ::: "memory")

/* The thread sanitizer starts threads in code of its own, whose rules are read anew each time. */
#if defined(__SANITIZE_THREAD__)
#define HAS_THREADS_OF_ITS_OWN 1
#else
#define HAS_THREADS_OF_ITS_OWN 0
#endif

/* Sanitizers are asked for them everywhere. */
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define HAS_FRAME_POINTERS 1
#else
#define HAS_FRAME_POINTERS 0
#endif

enum { DEPTH = 100, TREES = 3000 };

static struct stack_table stacks = STACK_TABLE_INIT;

/* Of one thread. */
struct subject {
    struct stack_memo memo;
    struct rand_state rand;
    unsigned known, unknown, wrong, not_kept; /* not kept: the walk read rules, the first time */
};

static uint32_t intern_anew(const struct unwind_registers *caller) {
    uintptr_t frames[DEPTH] = {0};
    size_t count = unwinder_eh_walk(caller, frames, DEPTH);
    return stack_table_intern(&stacks, frames, count);
}

static void keep(struct subject *subject, const struct unwind_registers *caller, uint32_t stack) {
    static _Thread_local struct unwind_trace trace;
    uintptr_t frames[DEPTH] = {0};
    size_t count = unwinder_eh_trace(caller, frames, DEPTH, &trace);
    subject->wrong += stack_table_intern(&stacks, frames, count) != stack;
    subject->not_kept += !trace.is_whole;
    stack_memo_keep(&subject->memo, caller, &trace, stack, count);
}

#define CALLER                                                                                                         \
    {                                                                                                                  \
        .pc = unwind_strip((uintptr_t)__builtin_return_address(0)), .sp = (uintptr_t)__builtin_dwarf_cfa(),            \
        .fp = *(const uintptr_t *)__builtin_frame_address(0), .fp_is_known = true                                      \
    }

PLAIN static void check_here(struct subject *subject) {
    struct unwind_registers caller = CALLER;
    uint32_t stack = intern_anew(&caller), found = stack_memo_find(&subject->memo, &stacks, &caller);
    if (found) {
        subject->known++;
        subject->wrong += found != stack;
    } else {
        subject->unknown++;
        keep(subject, &caller, stack);
    }
    NO_TAIL_CALL;
}

static void call_any(struct subject *subject, int depth);

__attribute__((optimize("omit-frame-pointer"))) PLAIN static void without(struct subject *subject, int depth) {
    call_any(subject, depth - 1);
    NO_TAIL_CALL;
}

__attribute__((optimize("omit-frame-pointer"))) PLAIN static void without_wide(struct subject *subject, int depth) {
    volatile char room[72];
    room[0] = (char)depth;
    call_any(subject, depth - 1);
    room[1] = room[0];
}

__attribute__((optimize("no-omit-frame-pointer"))) PLAIN static void with(struct subject *subject, int depth) {
    call_any(subject, depth - 1);
    NO_TAIL_CALL;
}

/* Where the frame is depends on the frame pointer alone. */
__attribute__((optimize("no-omit-frame-pointer"))) PLAIN static void with_variable(struct subject *subject, int depth) {
    char *variable = __builtin_alloca(16 * rand_below(&subject->rand, 3) + 16);
    memset(variable, depth, 16);
    call_any(subject, depth - 1);
    __asm__ volatile("" ::"r"(variable) : "memory");
}

PLAIN static void call_any(struct subject *subject, int depth) {
    static void (*const functions[])(struct subject *, int) = {without, without_wide, with, with_variable};
    unsigned times = rand_below(&subject->rand, 8) == 0 ? 3 : 1;
    for (unsigned i = 0; i < times; i++) {
        if (depth <= 0)
            check_here(subject);
        else
            functions[rand_below(&subject->rand, rand_below(&subject->rand, 3) ? 1 : 4)](subject, depth);
    }
    NO_TAIL_CALL;
}

static void *walk_trees(void *seed) {
    struct subject *subject = calloc(1, sizeof *subject);
    rand_seed(&subject->rand, (uintptr_t)seed);
    for (int i = 0; i < TREES; i++)
        call_any(subject, (int)rand_below(&subject->rand, 7));
    return subject;
}

static void expect_truth(struct subject *subject) {
    assert_int_equal(subject->wrong, 0);
    if (!HAS_THREADS_OF_ITS_OWN) {
        assert_true(subject->not_kept < subject->unknown / 4);
        assert_true(subject->known > TREES / 2);
    }
    assert_true(subject->unknown > 200); /* many more than there are places: most entries were written over */
    free(subject);
}

static void test_what_it_says_is_true(void **state) {
    (void)state;
    expect_truth(walk_trees((void *)1));
    pthread_t threads[3];
    for (uintptr_t i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, walk_trees, (void *)(i + 2));
    for (int i = 0; i < 3; i++) {
        void *subject;
        pthread_join(threads[i], &subject);
        expect_truth(subject);
    }
}

/* The same place is asked about again and again, with something done before. */
PLAIN static uint32_t ask(struct subject *subject) {
    struct unwind_registers caller = CALLER;
    uint32_t found = stack_memo_find(&subject->memo, &stacks, &caller);
    if (!found)
        keep(subject, &caller, intern_anew(&caller));
    NO_TAIL_CALL;
    return found;
}

/* The first walk reads rules, and is not kept; the second is. */
enum { KNOWN = 2, FORGET = 3, RETIRE = 6, TURNS = 9 };

PLAIN static void act(int turn, uint32_t stack) {
    if (turn == FORGET)
        unwinder_eh_forget();
    if (turn == RETIRE) {
        uintptr_t frame = stack_table_view(&stacks, stack).frames[0];
        assert_true(stack_table_retire(&stacks, frame - 1, frame, 1) > 0);
    }
}

PLAIN static uint32_t ask_after(struct subject *subject, int turn, uint32_t stack) {
    act(turn, stack);
    uint32_t found = ask(subject);
    NO_TAIL_CALL;
    return found;
}

static void test_what_makes_it_forget(void **state) {
    struct subject *subject = calloc(1, sizeof *subject);
    uint32_t found[TURNS] = {0};
    (void)state;
    volatile int turns = TURNS; /* one call for all, not one for each */
    for (int turn = 0; turn < turns; turn++)
        found[turn] = ask_after(subject, turn, found[KNOWN]);
    assert_int_equal(found[0], 0);
    assert_int_not_equal(found[KNOWN], 0);
    assert_int_equal(found[FORGET], 0); /* other rules may be true now */
    assert_int_equal(found[FORGET + 2], found[KNOWN]);
    assert_int_equal(found[RETIRE], 0); /* equal frames have another id from now on */
    assert_int_not_equal(found[RETIRE + 1], 0);
    assert_int_not_equal(found[RETIRE + 1], found[KNOWN]);
    assert_int_equal(found[RETIRE + 2], found[RETIRE + 1]);
    free(subject);
}

/* Any one word of the stack that the walk read, changed. */
static void test_every_word_counts(void **state) {
    static uintptr_t copy[8];
    static struct stack_memo memo;
    static struct unwind_trace trace;
    uintptr_t frames[3] = {0x401000, 0x402000, 0x403000};
    (void)state;
    /* A stack of the test's own, above which nothing is read: in this frame, since it must be the thread's. */
    uintptr_t words[8] = {1, 0x402000, 3, 0, 0x403000, 6, 7, 8};
    words[3] = (uintptr_t)&words[5];
    memcpy(copy, words, sizeof copy);
    struct unwind_registers caller = {.pc = frames[0], .sp = (uintptr_t)words, .fp = 77, .fp_is_known = true};
    trace = (struct unwind_trace){
        .is_whole = true, .pointer_count = 1, .generation = 0, .return_addresses = {0, 1, 4}, .pointers = {{3, 5}}};
    uintptr_t scratch[DEPTH];
    static struct unwind_trace now;
    unwinder_eh_trace(&caller, scratch, 1, &now);
    trace.generation = now.generation;
    uint32_t stack = stack_table_intern(&stacks, frames, 3);
    stack_memo_keep(&memo, &caller, &trace, stack, 3);
    assert_int_equal(stack_memo_find(&memo, &stacks, &caller), stack);
    for (int i = 0; i < 8; i++) {
        bool is_read = i == 1 || i == 3 || i == 4;
        words[i] += 8;
        __asm__ volatile("" ::"r"(words) : "memory");
        assert_int_equal(stack_memo_find(&memo, &stacks, &caller), is_read ? 0 : stack);
        words[i] = copy[i];
        __asm__ volatile("" ::"r"(words) : "memory");
    }
    /* The last word that was read is the fifth: a stack that ends before it is not read so far. */
    struct stack_window_known known = stack_window_known;
    for (int end = 4; end <= 5; end++) {
        stack_window_known.limit = (uintptr_t)&words[end];
        uint32_t found = stack_memo_find(&memo, &stacks, &caller);
        stack_window_known = known;
        assert_int_equal(found, end == 4 ? 0 : stack);
    }
    caller.fp = 78; /* was not used */
    assert_int_equal(stack_memo_find(&memo, &stacks, &caller), stack);
    trace.begins_with_fp = true;
    stack_memo_keep(&memo, &caller, &trace, stack, 3);
    assert_int_equal(stack_memo_find(&memo, &stacks, &caller), stack);
    caller.fp = 79;
    assert_int_equal(stack_memo_find(&memo, &stacks, &caller), 0);
}

/* Whether the place of the caller's frame depends on the frame pointer. */
PLAIN static bool caller_needs_fp(void) {
    static struct unwind_trace trace;
    uintptr_t frames[DEPTH] = {0};
    struct unwind_registers caller = CALLER;
    unwinder_eh_trace(&caller, frames, DEPTH, &trace); /* which reads the rules, if it is the first */
    unwinder_eh_trace(&caller, frames, DEPTH, &trace);
    assert_true(trace.is_whole);
    NO_TAIL_CALL;
    return trace.begins_with_fp;
}

__attribute__((optimize("no-omit-frame-pointer"))) PLAIN static bool in_variable_frame(size_t size) {
    char *variable = __builtin_alloca(size);
    memset(variable, 1, size);
    bool needs_fp = caller_needs_fp();
    __asm__ volatile("" ::"r"(variable) : "memory");
    return needs_fp;
}

__attribute__((optimize("omit-frame-pointer"))) PLAIN static bool in_fixed_frame(void) {
    bool needs_fp = caller_needs_fp();
    NO_TAIL_CALL;
    return needs_fp;
}

static void test_first_frame_pointer(void **state) {
    volatile size_t size = 64;
    (void)state;
    assert_true(in_variable_frame(size));
    if (!HAS_FRAME_POINTERS)
        assert_false(in_fixed_frame());
}

/* What cannot be told from these words alone is not kept. */
static void test_not_whole(void **state) {
    static struct stack_memo memo;
    static struct unwind_trace trace = {.is_whole = false};
    struct unwind_registers caller = {.pc = 0x401000, .sp = (uintptr_t)&caller};
    (void)state;
    stack_memo_keep(&memo, &caller, &trace, 1, 1);
    assert_int_equal(memo.next, 0);
    trace.is_whole = true;
    stack_memo_keep(&memo, &caller, &trace, 1, UNWIND_TRACE_FRAMES + 1);
    assert_int_equal(memo.next, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_it_says_is_true),
        cmocka_unit_test(test_what_makes_it_forget),
        cmocka_unit_test(test_every_word_counts),
        cmocka_unit_test(test_first_frame_pointer),
        cmocka_unit_test(test_not_whole),
    };
    loader_start();
    if (!unwinder_eh_start())
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
