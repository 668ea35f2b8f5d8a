/* strtab against the rule that it must keep: equal texts, equal numbers; numbers in the order of arrival. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "proto/strtab.h"

enum { MANY = 100000 };

static void numbers_follow_arrival(void **state) {
    (void)state;
    struct region region = {0};
    struct strtab table;
    strtab_init(&table, &region);
    bool is_new;
    assert_int_equal(strtab_intern(&table, "", 0, &is_new), 0);
    assert_true(is_new);
    assert_int_equal(strtab_intern(&table, "a", 1, &is_new), 1);
    assert_int_equal(strtab_intern(&table, "", 0, &is_new), 0);
    assert_false(is_new);
    assert_int_equal(strtab_intern(&table, "a", 1, NULL), 1);
    region_free(&region);
}

static void bytes_count_not_only_text(void **state) {
    (void)state;
    struct region region = {0};
    struct strtab table;
    strtab_init(&table, &region);
    const char with_nul[] = "a\0b";
    string_id a = strtab_intern(&table, with_nul, 1, NULL);
    string_id ab = strtab_intern(&table, with_nul, 3, NULL);
    string_id a_nul = strtab_intern(&table, with_nul, 2, NULL);
    assert_true(a != ab && ab != a_nul && a != a_nul);
    assert_int_equal(table.strings[ab].length, 3);
    assert_memory_equal(table.strings[ab].text, with_nul, 4);
    region_free(&region);
}

static void grows_and_finds_all_again(void **state) {
    (void)state;
    struct region region = {0};
    struct strtab table;
    char text[64];
    strtab_init(&table, &region);
    for (int round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < MANY; i++) {
            int length = snprintf(text, sizeof text, "namespace::function_number_%u", i);
            assert_int_equal(strtab_intern(&table, text, (size_t)length, NULL), i);
        }
    }
    assert_int_equal(table.count, MANY);
    assert_string_equal(table.strings[4711].text, "namespace::function_number_4711");
    region_free(&region);
}

static void says_when_memory_ends(void **state) {
    (void)state;
    struct region region = {.limit = 256 * 1024};
    struct strtab table;
    char text[64];
    strtab_init(&table, &region);
    string_id id = 0;
    uint32_t i = 0;
    for (; id != PROFILE_NONE && i < MANY; i++) {
        int length = snprintf(text, sizeof text, "a text of some length %u", i);
        id = strtab_intern(&table, text, (size_t)length, NULL);
    }
    assert_true(i > 100 && i < MANY);
    assert_true(region.taken <= region.limit);
    assert_int_equal(strtab_intern(&table, "a text of some length 7", 23, NULL), 7);
    region_free(&region);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_follow_arrival),
        cmocka_unit_test(bytes_count_not_only_text),
        cmocka_unit_test(grows_and_finds_all_again),
        cmocka_unit_test(says_when_memory_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
