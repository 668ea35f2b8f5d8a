/* Mutual exclusion under contention, errno, fork, and the order that debug builds enforce. */
#include "base/lock.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/child.h"
#include "tests/support/unit.h"

enum { THREADS = 8, ROUNDS = 50000 };

static struct lock guard = LOCK_INIT(RANK_CENTRAL);
static long shared_count; /* under guard */
static int inside;        /* under guard */

static void *count_up(void *argument) {
    for (int i = 0; i < ROUNDS; i++) {
        if (i % 3)
            lock_acquire(&guard);
        else
            while (!lock_try_acquire(&guard))
                sched_yield();
        if (inside++)
            *(int *)argument = 1;
        shared_count++;
        if (i % 1000 == 0)
            sched_yield();
        inside--;
        lock_release(&guard);
    }
    return NULL;
}

static void test_mutual_exclusion(void **state) {
    (void)state;
    pthread_t threads[THREADS];
    int met[THREADS] = {0};
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count_up, &met[i]), 0);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(met[i], 0);
    }
    assert_int_equal(shared_count, (long)THREADS * ROUNDS);
}

static void test_try(void **state) {
    (void)state;
    struct lock lock = LOCK_INIT(RANK_LOG);
    assert_true(lock_try_acquire(&lock));
    assert_false(lock_try_acquire(&lock));
    lock_assert_held(&lock);
    lock_release(&lock);
    assert_true(lock_try_acquire(&lock));
    lock_release(&lock);
}

static void *release_later(void *argument) {
    usleep(20000);
    errno = 0;
    lock_release(argument);
    return NULL;
}

/* Sleeping on the futex and being woken keep errno. */
static void test_sleep_keeps_errno(void **state) {
    (void)state;
    struct lock lock = LOCK_INIT(RANK_LOG);
    pthread_t thread;
    lock.state = 2; /* held by the thread that is born now */
    pthread_create(&thread, NULL, release_later, &lock);
    errno = 123;
    lock_acquire(&lock);
    assert_int_equal(errno, 123);
    lock_release(&lock);
    pthread_join(thread, NULL);
}

static void reset_and_use(void *argument) {
    struct lock *lock = argument;
    lock_reset_after_fork(lock);
    lock_acquire(lock);
    lock_release(lock);
}

static void test_reset_after_fork(void **state) {
    (void)state;
    struct lock lock = LOCK_INIT(RANK_LOG);
    struct child_result result;
    lock_acquire(&lock);
    child_run(reset_and_use, &lock, &result);
    lock_release(&lock);
    assert_true(child_exited(&result, 0));
}

static void acquire_pair(void *argument) {
    struct lock *locks = argument;
    lock_acquire(&locks[0]);
    lock_acquire(&locks[1]);
    lock_release(&locks[1]);
    lock_release(&locks[0]);
}

static void test_order(void **state) {
    (void)state;
    struct lock downward[] = {LOCK_INIT(RANK_CENTRAL), LOCK_INIT(RANK_PAGE_HEAP)};
    struct lock upward[] = {LOCK_INIT(RANK_PAGE_HEAP), LOCK_INIT(RANK_CENTRAL)};
    struct lock equal[] = {LOCK_INIT(RANK_CENTRAL), LOCK_INIT(RANK_CENTRAL)};
    struct child_result result;
    child_run(acquire_pair, downward, &result);
    assert_true(child_exited(&result, 0));
    if (!HEAPTAP_DEBUG)
        skip();
    child_run(acquire_pair, upward, &result);
    assert_true(child_died_of(&result, SIGABRT));
    assert_non_null(strstr(result.error_text, "heaptap: check failed at lock.c:"));
    child_run(acquire_pair, equal, &result);
    assert_true(child_died_of(&result, SIGABRT));
}

static void assert_unheld(void *argument) { lock_assert_held(argument); }

static void test_assert_held(void **state) {
    (void)state;
    struct lock lock = LOCK_INIT(RANK_LOG);
    struct child_result result;
    child_run(assert_unheld, &lock, &result);
    assert_true(HEAPTAP_DEBUG ? child_died_of(&result, SIGABRT) : child_exited(&result, 0));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mutual_exclusion), cmocka_unit_test(test_try),   cmocka_unit_test(test_sleep_keeps_errno),
        cmocka_unit_test(test_reset_after_fork), cmocka_unit_test(test_order), cmocka_unit_test(test_assert_held),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
