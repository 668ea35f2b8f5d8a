/* Build ids as bytes and as digits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "symbolizer/build_id.h"

static void digits_become_bytes(void **state) {
    (void)state;
    struct build_id id;
    assert_true(build_id_parse(&id, "00fF7a"));
    assert_int_equal(id.length, 3);
    assert_memory_equal(id.bytes, "\x00\xff\x7a", 3);
    assert_string_equal(id.hex, "00ff7a");
    assert_true(build_id_parse(&id, ""));
    assert_int_equal(id.length, 0);
    assert_string_equal(id.hex, "");
}

static void what_is_no_id_is_refused(void **state) {
    (void)state;
    const char *const texts[] = {"f", "0g", "00 ", "../..", "abc/def=", "\xc3\xa9"};
    struct build_id id;
    char longest[2 * BUILD_ID_MAX + 3];
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_false(build_id_parse(&id, texts[i]));
        assert_int_equal(id.length, 0);
    }
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    assert_false(build_id_parse(&id, longest));
    longest[2 * BUILD_ID_MAX] = 0;
    assert_true(build_id_parse(&id, longest));
    assert_int_equal(id.length, BUILD_ID_MAX);
    assert_string_equal(id.hex, longest);
    assert_false(build_id_set(&id, longest, BUILD_ID_MAX + 1));
    assert_int_equal(id.length, 0);
}

static void none_equals_nothing(void **state) {
    (void)state;
    struct build_id a, b;
    build_id_parse(&a, "");
    build_id_parse(&b, "");
    assert_false(build_id_is_equal(&a, &b));
    build_id_parse(&a, "0102");
    build_id_parse(&b, "010203");
    assert_false(build_id_is_equal(&a, &b));
    build_id_parse(&b, "0103");
    assert_false(build_id_is_equal(&a, &b));
    build_id_parse(&b, "0102");
    assert_true(build_id_is_equal(&a, &b));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digits_become_bytes),
        cmocka_unit_test(what_is_no_id_is_refused),
        cmocka_unit_test(none_equals_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
