/* The small printf against the C library's on every format it knows, its cuts, and the line it writes. */
#include "base/log.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/rand.h"
#include "tests/support/child.h"
#include "tests/support/unit.h"

/* Both must agree on text and length, in a buffer that is large enough and in one of every smaller size. */
#define SAME(...)                                                                                                      \
    do {                                                                                                               \
        char wanted[256], got[256];                                                                                    \
        size_t length = (size_t)snprintf(wanted, sizeof wanted, __VA_ARGS__);                                          \
        for (size_t size = 1; size <= length + 2; size++) {                                                            \
            memset(got, '#', sizeof got);                                                                              \
            size_t written = log_format(got, size, __VA_ARGS__);                                                       \
            assert_int_equal(written, length < size ? length : size - 1);                                              \
            assert_memory_equal(got, wanted, written);                                                                 \
            assert_int_equal(got[written], '\0');                                                                      \
            assert_int_equal(got[size], '#');                                                                          \
        }                                                                                                              \
    } while (0)

static void test_formats_agree_with_snprintf(void **state) {
    (void)state;
    SAME("%s", "");
    SAME("%s", "plain");
    SAME("a%sb%sc", "1", "22");
    SAME("%c%c", 'x', '\n');
    SAME("100%%");
    SAME("%d %d %d %d", 0, -1, INT_MIN, INT_MAX);
    SAME("%u %u", 0u, UINT_MAX);
    SAME("%ld %ld", LONG_MIN, LONG_MAX);
    SAME("%lu", ULONG_MAX);
    SAME("%zu %zu", (size_t)0, SIZE_MAX);
    SAME("%lld %llu", LLONG_MIN, ULLONG_MAX);
    SAME("%x %lx", 0xdeadbeefu, 0x123456789abcdefUL);
    SAME("%p", (void *)0x1234abcd);
    SAME("%s:%d: %zu of %p%%", "file.c", 42, (size_t)7, (void *)~0ul);
    struct rand_state rand;
    rand_seed(&rand, 2);
    for (int i = 0; i < 2000; i++) {
        uint64_t x = rand_next(&rand) >> rand_below(&rand, 64);
        SAME("%d|%u|%ld|%lu|%lx|%x", (int)x, (unsigned)x, (long)x, (unsigned long)x, (unsigned long)x, (unsigned)x);
    }
}

static void test_edges(void **state) {
    (void)state;
    char out[8] = "#######";
    const char *volatile null = NULL;
    log_format(out, sizeof out, "%s", null);
    assert_string_equal(out, "(null)");
    assert_int_equal(log_format(out, sizeof out, "%p", NULL), 3);
    assert_string_equal(out, "0x0");
    out[0] = '#';
    assert_int_equal(log_format(out, 0, "text"), 0);
    assert_int_equal(out[0], '#');
}

static void write_lines(void *argument) {
    (void)argument;
    char big[2000];
    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    errno = 77;
    log_line("first %d", 1);
    log_line("%s", big);
    if (errno != 77)
        _exit(9);
}

static void test_line(void **state) {
    (void)state;
    struct child_result result;
    child_run(write_lines, NULL, &result);
    assert_true(child_exited(&result, 0));
    const char *second = strchr(result.error_text, '\n');
    assert_non_null(second++);
    assert_memory_equal(result.error_text, "heaptap: first 1\n", 17);
    size_t length = strlen(second);
    assert_in_range(length, 500, 512);
    assert_memory_equal(second, "heaptap: xxx", 12);
    assert_int_equal(strchr(second, '\n') - second, length - 1);
}

static void die(void *argument) { log_fatal("cannot go on: %s", (const char *)argument); }

static void test_fatal(void **state) {
    (void)state;
    struct child_result result;
    char reason[] = "reason";
    child_run(die, reason, &result);
    assert_true(child_died_of(&result, SIGABRT));
    assert_string_equal(result.error_text, "heaptap: cannot go on: reason\n");
}

static void log_to_nobody(void *argument) {
    (void)argument;
    close(STDERR_FILENO);
    errno = 5;
    log_line("lost");
    _exit(errno == 5 ? 0 : 1);
}

static void test_closed_stderr(void **state) {
    (void)state;
    struct child_result result;
    child_run(log_to_nobody, NULL, &result);
    assert_true(child_exited(&result, 0));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_formats_agree_with_snprintf),
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_line),
        cmocka_unit_test(test_fatal),
        cmocka_unit_test(test_closed_stderr),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
