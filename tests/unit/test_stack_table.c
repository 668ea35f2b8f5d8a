/* Edges of the stack table: growth, the ceiling, empty stacks, and threads that intern the same stacks at
 * once. */
#include "profiler/stack_table.h"

#include <pthread.h>
#include <stdbool.h>

#include "base/atomic.h"
#include "tests/support/unit.h"

enum { THREADS = 4, SHARED_STACKS = 20000, DEPTH = 5 };

static struct stack_table table = STACK_TABLE_INIT;
static uint32_t ids[THREADS][SHARED_STACKS];

static void make_frames(uintptr_t *frames, uintptr_t number) {
    for (int i = 0; i < DEPTH; i++)
        frames[i] = 0x400000 + number * (uintptr_t)(i + 1);
}

static void *intern_all(void *argument) {
    uint32_t *out = argument;
    for (uintptr_t n = 0; n < SHARED_STACKS; n++) {
        uintptr_t frames[DEPTH];
        make_frames(frames, n);
        out[n] = stack_table_intern(&table, frames, DEPTH);
    }
    return NULL;
}

static void test_threads_agree(void **state) {
    pthread_t threads[THREADS];
    (void)state;
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, intern_all, ids[i]);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (uintptr_t n = 0; n < SHARED_STACKS; n++) {
        uintptr_t frames[DEPTH];
        struct stack_view view = stack_table_view(&table, ids[0][n]);
        make_frames(frames, n);
        assert_int_not_equal(ids[0][n], 0);
        assert_int_equal(view.count, DEPTH);
        assert_memory_equal(view.frames, frames, sizeof frames);
        for (int i = 1; i < THREADS; i++)
            assert_int_equal(ids[i][n], ids[0][n]);
    }
    assert_int_equal(table.index.count, SHARED_STACKS);
    stack_table_validate(&table);
    stack_table_free(&table);
    assert_int_equal(table_memory_used(), 0);
}

static void test_empty_stack(void **state) {
    uintptr_t frame = 1;
    (void)state;
    uint32_t empty = stack_table_intern(&table, &frame, 0), one = stack_table_intern(&table, &frame, 1);
    assert_true(empty && one && empty != one);
    assert_int_equal(stack_table_intern(&table, NULL, 0), empty);
    assert_int_equal(stack_table_view(&table, empty).count, 0);
    stack_table_free(&table);
}

static void test_full_table_refuses_and_still_finds(void **state) {
    uintptr_t frames[DEPTH], n = 0;
    uint32_t id;
    (void)state;
    table_memory_set_limit(1 << 20);
    do {
        make_frames(frames, ++n);
        id = stack_table_intern(&table, frames, DEPTH);
    } while (id && n < 1000000);
    assert_true(n > 5000 && n < 30000);
    assert_true(table_memory_used() <= 1 << 20);
    make_frames(frames, 1);
    assert_int_not_equal(stack_table_intern(&table, frames, DEPTH), 0);
    stack_table_validate(&table);
    stack_table_free(&table);
    table_memory_set_limit(64 << 20);
}

static void test_retired_stack_gets_a_new_id(void **state) {
    uintptr_t frames[2] = {0x5001, 0x9000};
    (void)state;
    uint32_t first = stack_table_intern(&table, frames, 2);
    /* A frame is a return address: 0x9000 lies one byte behind [0x8000, 0x9000), and the call is inside. */
    assert_int_equal(stack_table_retire(&table, 0x9000, 0xa000, 1), 0);
    assert_int_equal(stack_table_retire(&table, 0x8000, 0x9000, 2), 1);
    assert_int_equal(stack_table_retire(&table, 0x8000, 0x9000, 3), 0);
    uint32_t second = stack_table_intern(&table, frames, 2);
    assert_int_not_equal(first, second);
    assert_int_equal(stack_table_view(&table, first).retired, 2);
    assert_int_equal(stack_table_view(&table, second).retired, 0);
    stack_table_validate(&table);
    stack_table_free(&table);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads_agree),
        cmocka_unit_test(test_empty_stack),
        cmocka_unit_test(test_full_table_refuses_and_still_finds),
        cmocka_unit_test(test_retired_stack_gets_a_new_id),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
