/* Every job is done once, whatever the number of threads that can be had, and what it wrote is there afterwards. */
#include "base/parallel.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/support/sanitized.h"
#include "tests/support/unit.h"

enum { JOBS = 1000 };

static unsigned done[JOBS];
static atomic_int here, most_here;

static void count(void *context, size_t index) { ((unsigned *)context)[index] += (unsigned)index + 1; }

static void assert_done(void) {
    for (unsigned i = 0; i < JOBS; i++) {
        assert_int_equal(done[i], i + 1);
        done[i] = 0;
    }
}

static void test_each_is_done_once(void **state) {
    (void)state;
    for (int round = 0; round < 50; round++) {
        parallel_run(JOBS, count, done);
        assert_done();
    }
    parallel_run(0, count, done);
    assert_int_equal(done[0], 0);
}

/* Waits a while for another job, so that two threads, if there are two, meet. Signals are the caller's alone. */
static void meet(void *caller, size_t index) {
    (void)index;
    int now = atomic_fetch_add(&here, 1) + 1;
    if (now > atomic_load(&most_here))
        atomic_store(&most_here, now);
    sigset_t blocked;
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    assert_int_equal(sigismember(&blocked, SIGTERM), !pthread_equal(pthread_self(), *(pthread_t *)caller));
    for (int i = 0; i < 2000 && atomic_load(&most_here) < 2; i++)
        usleep(100);
    atomic_fetch_sub(&here, 1);
}

static void test_threads_run_side_by_side(void **state) {
    (void)state;
    cpu_set_t set;
    pthread_t self = pthread_self();
    assert_int_equal(sched_getaffinity(0, sizeof set, &set), 0);
    parallel_run(4, meet, &self);
    if (CPU_COUNT(&set) > 1)
        assert_true(atomic_load(&most_here) > 1);
    assert_true(atomic_load(&most_here) <= CPU_COUNT(&set));
}

/* On one processor there is one thread. */
static void test_one_processor(void **state) {
    (void)state;
    cpu_set_t before, one;
    pthread_t self = pthread_self();
    assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
    CPU_ZERO(&one);
    for (int i = 0; i < CPU_SETSIZE && !CPU_COUNT(&one); i++)
        if (CPU_ISSET(i, &before))
            CPU_SET(i, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    atomic_store(&most_here, 0);
    parallel_run(2, meet, &self);
    assert_int_equal(atomic_load(&most_here), 1);
    assert_int_equal(sched_setaffinity(0, sizeof before, &before), 0);
}

/* Where threads are refused, the caller does everything. Sanitizers die without memory. */
static void test_without_threads(void **state) {
    (void)state;
    if (SANITIZED)
        skip();
    struct rlimit before, none = {0, 0};
    assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
    none.rlim_max = before.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_AS, &none), 0);
    parallel_run(JOBS, count, done);
    assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
    assert_done();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_is_done_once),
        cmocka_unit_test(test_threads_run_side_by_side),
        cmocka_unit_test(test_one_processor),
        cmocka_unit_test(test_without_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
