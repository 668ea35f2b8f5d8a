/* Buffers are used again, never shared, and more can be out than slots keep. */
#include "profiler/scratch.h"

#include <pthread.h>
#include <string.h>

#include "profiler/table_memory.h"
#include "tests/support/unit.h"

enum { SIZE = 4096, SMALL = 512, MANY = 100, THREADS = 4, ROUNDS = 20000 };

static void test_reuse(void **state) {
    void *buffers[MANY];
    (void)state;
    void *first = scratch_take();
    assert_non_null(first);
    scratch_give(first);
    assert_ptr_equal(scratch_take(), first);
    scratch_give(first);
    for (int i = 0; i < MANY; i++) {
        buffers[i] = scratch_take();
        assert_non_null(buffers[i]);
        for (int k = 0; k < i; k++)
            assert_ptr_not_equal(buffers[i], buffers[k]);
    }
    for (int i = 0; i < MANY; i++)
        scratch_give(buffers[i]);
    assert_true(table_memory_used() <= 16 * SIZE);
}

/* What fits the library's own buffer takes no memory until two are out, and the own one is never lost or freed. */
static void test_own_buffer(void **state) {
    void *buffers[MANY];
    (void)state;
    scratch_set_size(SMALL);
    uint64_t before = table_memory_used();
    void *own = scratch_take();
    memset(own, 1, SMALL);
    assert_int_equal(table_memory_used(), before);
    for (int i = 0; i < MANY; i++)
        assert_ptr_not_equal(buffers[i] = scratch_take(), own);
    assert_true(table_memory_used() > before);
    for (int i = 0; i < MANY; i++)
        scratch_give(buffers[i]);
    scratch_give(own);
    assert_ptr_equal(scratch_take(), own);
    scratch_give(own);
}

static void *use(void *argument) {
    for (int i = 0; i < ROUNDS; i++) {
        char *buffer = scratch_take();
        memset(buffer, (int)(uintptr_t)argument, SIZE);
        for (int k = 0; k < SIZE; k += 512)
            if (buffer[k] != (char)(uintptr_t)argument)
                return buffer;
        scratch_give(buffer);
    }
    return NULL;
}

static void test_threads_never_share(void **state) {
    pthread_t threads[THREADS];
    void *shared;
    (void)state;
    for (uintptr_t i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, use, (void *)i);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], &shared);
        assert_null(shared);
    }
}

int main(void) {
    const struct CMUnitTest own[] = {cmocka_unit_test(test_own_buffer)};
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_reuse), cmocka_unit_test(test_threads_never_share)};
    scratch_set_size(SIZE);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return failed + cmocka_run_group_tests(own, NULL, NULL);
}
