/* Cleaning and shortening of names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/text.h"
#include "cli/term.h"

static void expect_clean(const char *text, const char *cleaned, size_t columns) {
    char out[200];
    assert_int_equal(text_clean(out, sizeof out, text), columns);
    assert_string_equal(out, cleaned);
}

static void control_characters_are_replaced(void **state) {
    (void)state;
    expect_clean("plain", "plain", 5);
    expect_clean("\033]0;title\a", "?]0;title?", 10);
    expect_clean("a\nb\tc\177", "a?b?c?", 6);
    expect_clean("\302\233[31m", "??[31m", 6); /* C1: the 8-bit escape */
    expect_clean("\303\251", "\303\251", 1);   /* e acute stays */
    expect_clean("\342\200\256x", "???x", 4);  /* right-to-left override */
    expect_clean("\300\257\377", "???", 3);    /* overlong, never valid */
    expect_clean("\360\237\230\200", "\360\237\230\200", 1);
    expect_clean("\360\237\230", "???", 3); /* cut off */
    expect_clean("\355\240\200", "???", 3); /* surrogate */
}

static void a_small_buffer_ends_between_characters(void **state) {
    (void)state;
    char out[4];
    text_clean(out, sizeof out, "ab\303\251");
    assert_string_equal(out, "ab");
    text_clean(out, sizeof out, "abcdef");
    assert_string_equal(out, "abc");
}

static void expect_short(const char *text, size_t most, const char *shortened) {
    char copy[200];
    strcpy(copy, text);
    size_t columns = term_shorten(copy, most);
    assert_string_equal(copy, shortened);
    assert_true(columns <= most || most < 8);
}

static void arguments_go_before_the_middle(void **state) {
    (void)state;
    expect_short("short", 10, "short");
    expect_short("std::map<int, std::vector<long> >::insert", 25, "std::map<..>::insert");
    expect_short("f<aaaaaaa>::g<bbbbbbb>", 20, "f<aaaaaaa>::g<..>");
    expect_short("f<aaaaaaa>::g<bbbbbbb>", 14, "f<..>::g<..>");
    expect_short("a_very_long_function_name_indeed", 17, "a_ver..ame_indeed");
    expect_short("operator<<long_and_unbalanced<", 16, "oper..nbalanced<");
}

static void every_width_is_kept(void **state) {
    (void)state;
    const char *name = "ns\303\251::c<d\303\251<e>, f->g>::operator->(h)::i\303\251jklmnopqrstuvwxyz";
    for (size_t most = 8; most < 60; most++) {
        char copy[200];
        strcpy(copy, name);
        size_t columns = term_shorten(copy, most), counted = 0;
        for (const char *p = copy; *p; p++)
            counted += (*p & 0xc0) != 0x80;
        assert_int_equal(columns, counted);
        assert_true(columns <= most);
    }
}

static void colour_follows_the_environment(void **state) {
    (void)state;
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    assert_true(term_open(pipes[1], TERM_COLOR_ALWAYS).has_color);
    assert_false(term_open(pipes[1], TERM_COLOR_AUTO).has_color);
    assert_int_equal(term_open(pipes[1], TERM_COLOR_AUTO).width, 0);
    int terminal = posix_openpt(0);
    if (terminal >= 0) {
        setenv("TERM", "xterm", 1);
        unsetenv("NO_COLOR");
        assert_true(term_open(terminal, TERM_COLOR_AUTO).has_color);
        setenv("NO_COLOR", "1", 1);
        assert_false(term_open(terminal, TERM_COLOR_AUTO).has_color);
        unsetenv("NO_COLOR");
        setenv("TERM", "dumb", 1);
        assert_false(term_open(terminal, TERM_COLOR_AUTO).has_color);
        setenv("COLUMNS", "100", 1);
        assert_int_equal(term_open(terminal, TERM_COLOR_AUTO).width, 100);
        close(terminal);
    }
    close(pipes[0]);
    close(pipes[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(control_characters_are_replaced), cmocka_unit_test(a_small_buffer_ends_between_characters),
        cmocka_unit_test(arguments_go_before_the_middle),  cmocka_unit_test(every_width_is_kept),
        cmocka_unit_test(colour_follows_the_environment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
