/* Counters of work: exact under threads, names that are refused, and how many there may be. */
#include "profiler/work.h"

#include <pthread.h>
#include <string.h>

#include "base/log.h"
#include "tests/support/unit.h"

enum { THREADS = 4, TURNS = 20000 };

static uint64_t amount_of(const char *name) {
    const char *found;
    uint64_t amount;
    for (size_t i = 0; (found = work_read(i, &amount)); i++) {
        if (strcmp(found, name) == 0)
            return amount;
    }
    return UINT64_MAX;
}

static void *work(void *argument) {
    (void)argument;
    for (int i = 0; i < TURNS; i++) {
        work_add("requests", 1);
        work_add("bytes.sent", 10);
    }
    return NULL;
}

static void test_threads(void **state) {
    pthread_t threads[THREADS];
    (void)state;
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, work, NULL);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(amount_of("requests"), THREADS * TURNS);
    assert_int_equal(amount_of("bytes.sent"), 10 * THREADS * TURNS);
    assert_int_equal(work_refused(), 0);
}

static void test_names(void **state) {
    char name[WORK_NAME_BYTES + 1];
    (void)state;
    memset(name, 'n', sizeof name);
    name[WORK_NAME_BYTES - 1] = '\0';
    assert_true(work_add(name, 3));
    assert_int_equal(amount_of(name), 3);
    name[WORK_NAME_BYTES - 1] = 'n';
    name[WORK_NAME_BYTES] = '\0';
    assert_false(work_add(name, 1));
    assert_false(work_add("", 1));
    assert_false(work_add(NULL, 1));
    assert_false(work_add("two words", 1));
    assert_false(work_add("a=b", 1));
    assert_int_equal(work_refused(), 5);
    assert_true(work_add("zero", 0));
    assert_int_equal(amount_of("zero"), 0);
}

static void test_bound(void **state) {
    uint64_t before = work_refused(), amount;
    char name[16];
    (void)state;
    for (int i = 0; i < 2 * WORK_COUNTERS_MAX; i++) {
        log_format(name, sizeof name, "counter-%d", i);
        work_add(name, 1);
    }
    assert_non_null(work_read(WORK_COUNTERS_MAX - 1, &amount));
    assert_null(work_read(WORK_COUNTERS_MAX, &amount));
    assert_true(work_refused() - before >= WORK_COUNTERS_MAX);
    assert_int_equal(amount_of("requests"), THREADS * TURNS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
