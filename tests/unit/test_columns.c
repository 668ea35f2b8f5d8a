/* How many columns text takes, and where it is cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "cli/columns.h"
#include "cli/term.h"

static const char wide[] = "\350\252\255\343\201\277"; /* two characters of two columns */
static const char accent[] = "e\314\201";              /* e and a combining acute: one column */

static void characters_have_their_widths(void **state) {
    (void)state;
    assert_int_equal(columns_count(""), 0);
    assert_int_equal(columns_count("plain"), 5);
    assert_int_equal(columns_count("\303\251t\303\251"), 3);
    assert_int_equal(columns_count(wide), 4);
    assert_int_equal(columns_count(accent), 1);
    assert_int_equal(columns_count("\360\237\230\200"), 2);         /* an emoji */
    assert_int_equal(columns_count("\327\251\326\274"), 1);         /* shin with a point */
    assert_int_equal(columns_count("\357\275\261"), 1);             /* halfwidth katakana */
    assert_int_equal(columns_count("\357\274\241"), 2);             /* fullwidth A */
    assert_int_equal(columns_count("\341\204\200\341\205\241"), 2); /* a syllable of two jamo */
}

static void bytes_that_are_no_text_end_somewhere(void **state) {
    (void)state;
    assert_int_equal(columns_count("\343\201"), 1);
    assert_int_equal(columns_count("\377\377"), 2);
    char cut[] = "\360";
    assert_ptr_equal(columns_skip(cut, 5), cut + 1);
}

static void skipping_ends_before_what_has_no_room(void **state) {
    (void)state;
    char text[32], *end;
    snprintf(text, sizeof text, "%sx", wide);
    assert_string_equal(columns_skip(text, 0), text);
    assert_string_equal(columns_skip(text, 1), text);
    assert_string_equal(columns_skip(text, 3), "\343\201\277x");
    assert_string_equal(columns_skip(text, 4), "x");
    snprintf(text, sizeof text, "%sx", accent);
    end = columns_skip(text, 1);
    assert_string_equal(end, "x"); /* the mark goes with its letter */
}

static void right_to_left_letters_are_known(void **state) {
    (void)state;
    assert_true(columns_has_right_to_left("a\327\251"));
    assert_true(columns_has_right_to_left("\330\247\331\204"));
    assert_true(columns_has_right_to_left("\357\272\215"));
    assert_true(columns_has_right_to_left("\360\236\244\200"));
    assert_false(columns_has_right_to_left("abc \303\251 \350\252\255 \317\211 \320\226"));
}

/* Whatever is cut where: no more columns than asked for, and still text. */
static void cutting_keeps_to_the_width(void **state) {
    (void)state;
    const char *names[] = {
        "\350\252\255\343\201\277a\350\276\274e\314\201\343\201\277<\351\226\242\346\225\260, "
        "b>::\343\201\277\343\201\277xyz",
        "aaaaaaaaaa\350\252\255\343\201\277\350\252\255\343\201\277\350\252\255\343\201\277\350\252\255\343\201\277",
        "plain_but_long_enough_to_be_cut"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        for (size_t most = 8; most < 40; most++) {
            char text[200], again[200];
            strcpy(text, names[i]);
            size_t columns = most % 2 ? term_cut(text, most) : term_shorten(text, most);
            assert_int_equal(columns, columns_count(text));
            assert_true(columns <= most);
            assert_true(columns + 3 >= most || columns == columns_count(names[i]) || strstr(text, "<..>"));
            text_clean(again, sizeof again, text);
            assert_string_equal(again, text);
        }
    }
}

static void what_cannot_be_seen_is_shown(void **state) {
    (void)state;
    char out[100];
    text_clean(out, sizeof out, "a\342\200\213b\330\234c\357\273\277d\342\201\240e\363\240\200\201f\343\205\244g");
    assert_string_equal(out, "a???b??c???d???e????f???g");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(characters_have_their_widths),
        cmocka_unit_test(bytes_that_are_no_text_end_somewhere),
        cmocka_unit_test(skipping_ends_before_what_has_no_room),
        cmocka_unit_test(right_to_left_letters_are_known),
        cmocka_unit_test(cutting_keeps_to_the_width),
        cmocka_unit_test(what_cannot_be_seen_is_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
