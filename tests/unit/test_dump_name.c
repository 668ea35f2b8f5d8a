/* File names: every letter, dates against the C library, and what does not fit. */
#include "profiler/dump_name.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/rand.h"
#include "tests/support/unit.h"

static struct dump_name name = {.pid = 4711, .sequence = 12, .host = "host/1", .program = "redis", .reason = "exit"};

static void test_letters(void **state) {
    char out[256];
    (void)state;
    name.time = INT64_C(1769903999123456789);
    assert_true(dump_name_expand(out, sizeof out, "/d/%p.%n-%t.%h.%e.%r.100%%.gz", &name));
    assert_string_equal(out, "/d/4711.12-20260131T235959Z.host_1.redis.exit.100%.gz");
    assert_false(dump_name_expand(out, sizeof out, "x%z", &name));
    assert_false(dump_name_expand(out, sizeof out, "x%", &name));
    assert_false(dump_name_expand(out, sizeof out, "", &name));
}

static void test_size(void **state) {
    char out[9];
    (void)state;
    assert_true(dump_name_expand(out, sizeof out, "1234%p", &name));
    assert_false(dump_name_expand(out, sizeof out, "12345%p", &name));
    assert_false(dump_name_expand(out, 1, "x", &name));
}

static void test_dates(void **state) {
    struct rand_state rand;
    (void)state;
    rand_seed(&rand, 4);
    for (int i = 0; i < 100000; i++) {
        char out[64], expected[64];
        time_t seconds = (time_t)rand_below(&rand, UINT64_C(8000000000));
        struct tm tm;
        gmtime_r(&seconds, &tm);
        strftime(expected, sizeof expected, "%Y%m%dT%H%M%SZ", &tm);
        name.time = (int64_t)seconds * 1000000000;
        assert_true(dump_name_expand(out, sizeof out, "%t", &name));
        assert_string_equal(out, expected);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_letters), cmocka_unit_test(test_size),
                                       cmocka_unit_test(test_dates)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
