/* Distances of words, and which are near enough to ask. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/spelling.h"

static void distances(void **state) {
    (void)state;
    static const struct {
        const char *word, *name;
        size_t distance;
    } cases[] = {
        {"rows", "rows", 0},
        {"row", "rows", 1},
        {"rowss", "rows", 1},
        {"rews", "rows", 1},
        {"orws", "rows", 1},
        {"rosw", "rows", 1},
        {"tredn", "trend", 1},
        {"base_mode", "base-mode", 1},
        {"no-symb", "no-symbolize", 1},
        {"sample", "simple", 1},
        {"kitten", "sitting", 3},
        {"", "by", 2},
        {"by", "", 2},
        {"abcd", "badc", 2},
        {"rows", "by", 4},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(spelling_distance(cases[i].word, cases[i].name), cases[i].distance);
}

static void long_words_are_far(void **state) {
    (void)state;
    assert_true(spelling_distance("a-word-of-more-than-thirty-one-letters", "a") == SIZE_MAX);
    assert_false(spelling_is_near("a-word-of-more-than-thirty-one-letters", SIZE_MAX));
}

static void one_letter_in_three(void **state) {
    (void)state;
    assert_true(spelling_is_near("x", 1) && spelling_is_near("rows", 2) && spelling_is_near("format", 2));
    assert_false(spelling_is_near("", 1) || spelling_is_near("x", 2) || spelling_is_near("rows", 3));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distances),
        cmocka_unit_test(long_words_are_far),
        cmocka_unit_test(one_letter_in_three),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
