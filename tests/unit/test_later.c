/* What is armed is done once, when its time has come, by a call of the program, and not before. The rules about who
 * calls are those of alloc/caller.h: code of the C library and the loader starts nothing. */
#include "alloc/later.h"

#include <pthread.h>
#include <stdlib.h>

#include "alloc/caller.h"
#include "alloc/malloc.h"
#include "base/os.h"
#include "tests/support/unit.h"

static _Atomic int times;

static void work(void) { atomic_add_relaxed(&times, 1); }

static const void *of_program(void) { return __extension__(const void *) work; }
static const void *of_libc(void) { return __extension__(const void *) pthread_create; }

static void nothing_before_its_time(void **state) {
    (void)state;
    atomic_store_relaxed(&times, 0);
    later_poll(of_program());
    later_arm(work, os_now() + INT64_C(3600000000000));
    for (int i = 0; i < 1000; i++)
        later_poll(of_program());
    assert_int_equal(times, 0);
    later_arm(work, 1);
    for (int i = 0; i < 20; i++) /* some are passed over */
        later_poll(of_program());
    assert_int_equal(times, 1);
    atomic_store_relaxed(&times, 0);
    later_disarm();
    later_arm(work, 1);
    later_disarm();
    later_poll(of_program());
    assert_int_equal(times, 0);
}

static void once_and_by_the_program(void **state) {
    (void)state;
    atomic_store_relaxed(&times, 0);
    later_arm(work, 1);
    later_poll(NULL);
    later_poll(of_libc());
    assert_int_equal(times, 0);
    later_poll(of_program());
    later_poll(of_program());
    assert_int_equal(times, 1);
}

/* Here the library's code is the program's, so an address near the caller says nothing. */
static void an_address_near_the_caller_needs_to_be_told_from_ours(void **state) {
    (void)state;
    atomic_store_relaxed(&times, 0);
    assert_false(caller_knows_own());
    later_arm(work, 1);
    later_poll_near(of_program());
    assert_int_equal(times, 0);
    later_disarm();
}

static void slow_frees_come_by(void **state) {
    (void)state;
    atomic_store_relaxed(&times, 0);
    later_arm(work, 1);
    heap_free(heap_malloc(100000));
    assert_int_equal(times, 1);
}

static void *poll_often(void *unused) {
    for (int i = 0; i < 10000; i++)
        later_poll(of_program());
    return unused;
}

static void one_thread_of_many(void **state) {
    (void)state;
    pthread_t threads[4];
    atomic_store_relaxed(&times, 0);
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, poll_often, NULL);
    later_arm(work, 1);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    later_poll(of_program());
    assert_int_equal(times, 1);
}

static int set_up(void **state) {
    (void)state;
    caller_prepare();
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_before_its_time),
        cmocka_unit_test(once_and_by_the_program),
        cmocka_unit_test(an_address_near_the_caller_needs_to_be_told_from_ours),
        cmocka_unit_test(slow_frees_come_by),
        cmocka_unit_test(one_thread_of_many),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
