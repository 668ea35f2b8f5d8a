/* What a failed write raises is taken back; what was pending before, and the mask, stay. */
#include "profiler/quiet.h"

#include <errno.h>
#include <unistd.h>

#include "tests/support/unit.h"

static int broken_pipe(void) {
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    close(ends[0]);
    return ends[1];
}

static void test_raised_is_taken_back(void **state) {
    struct quiet quiet;
    sigset_t mask, pending;
    int fd = broken_pipe();
    (void)state;
    quiet_begin(&quiet);
    assert_int_equal(write(fd, "x", 1), -1);
    assert_int_equal(errno, EPIPE);
    errno = 77;
    quiet_end(&quiet);
    assert_int_equal(errno, 77);
    pthread_sigmask(SIG_BLOCK, NULL, &mask);
    sigpending(&pending);
    assert_false(sigismember(&mask, SIGPIPE) || sigismember(&mask, SIGXFSZ) || sigismember(&pending, SIGPIPE));
    close(fd);
}

static void test_pending_before_stays(void **state) {
    struct quiet quiet;
    sigset_t blocked, pending, before;
    int fd = broken_pipe();
    (void)state;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &blocked, &before);
    raise(SIGPIPE);
    quiet_begin(&quiet);
    assert_int_equal(write(fd, "x", 1), -1);
    quiet_end(&quiet);
    sigpending(&pending);
    assert_true(sigismember(&pending, SIGPIPE));
    int taken;
    sigwait(&blocked, &taken);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(fd);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_raised_is_taken_back),
                                       cmocka_unit_test(test_pending_before_stays)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
