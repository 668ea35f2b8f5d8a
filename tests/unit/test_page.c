/* Pages: what comes from a profile stays text, numbers survive base64, marks are filled in and nothing else is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/page.h"

static char *text;
static size_t size;

static FILE *open_text(void) {
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    return out;
}

static void expect_text(FILE *out, const char *expected) {
    fclose(out);
    assert_string_equal(text, expected);
    free(text);
}

static void markup_is_text(void **state) {
    (void)state;
    FILE *out = open_text();
    page_print_markup("a<b>&\"'\x07 \xe2\x80\xae z \xc3\xa9 \xff\xc3", out);
    expect_text(out, "a&lt;b&gt;&amp;&quot;&#39;? ? z \xc3\xa9 ??");
}

static void json_holds_no_bracket(void **state) {
    (void)state;
    FILE *out = open_text();
    page_print_json("</script><!-- \"\\\n\x7f\xe2\x80\xae\xed\xa0\x80\xf0\x9f\x98\x80\xc0\xaf\xf4\x90\x80\x80", out);
    expect_text(
        out, "\"\\u003c/script>\\u003c!-- \\u0022\\u005c\\u000a\\u007f\xe2\x80\xae\\ufffd\\ufffd\\ufffd\xf0\x9f\x98\x80"
             "\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\"");
    out = open_text();
    page_print_json("", out);
    expect_text(out, "\"\"");
}

/* Base64 is that of RFC 4648, section 10, whose "foobar" is six numbers below 128 here. */
static void letters_are_base64(void **state) {
    static const char *const expected[] = {"", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"};
    (void)state;
    for (size_t length = 0; length <= 6; length++) {
        struct page_numbers numbers;
        FILE *out = open_text();
        page_begin_numbers(&numbers, out);
        for (size_t i = 0; i < length; i++)
            page_print_unsigned(&numbers, (unsigned char)"foobar"[i]);
        page_end_numbers(&numbers);
        expect_text(out, expected[length]);
    }
}

static void expect_signed(int64_t value, const char *expected) {
    struct page_numbers numbers;
    FILE *out = open_text();
    page_begin_numbers(&numbers, out);
    page_print_signed(&numbers, value);
    page_end_numbers(&numbers);
    expect_text(out, expected);
}

/* Expected: the bytes, from the definition, in base64. */
static void numbers_of_any_size(void **state) {
    (void)state;
    expect_signed(0, "AA==");                     /* 00 */
    expect_signed(-1, "AQ==");                    /* 01 */
    expect_signed(1, "Ag==");                     /* 02 */
    expect_signed(63, "fg==");                    /* 7e */
    expect_signed(64, "gAE=");                    /* 80 01 */
    expect_signed(INT64_MAX, "/v//////////AQ=="); /* fe ff*8 01 */
    expect_signed(INT64_MIN, "////////////AQ=="); /* ff*9 01 */
}

static bool print_name(void *context, FILE *out) {
    fputs(context, out);
    return true;
}

static bool run_out(void *context, FILE *out) {
    (void)context;
    (void)out;
    return false;
}

static void marks_are_filled(void **state) {
    (void)state;
    char name[] = "{{data}}", data[] = "x";
    const struct page_filling fillings[] = {{"name", print_name, name}, {"data", print_name, data}, {NULL, NULL, NULL}};
    FILE *out = open_text();
    assert_true(page_write("<{{name}}|{{data}}|{{other}}|{{nam}}>", fillings, out));
    expect_text(out, "<{{data}}|x||>");
    const struct page_filling failing[] = {{"data", run_out, NULL}, {NULL, NULL, NULL}};
    out = open_text();
    assert_false(page_write("a{{data}}b", failing, out));
    expect_text(out, "a");
}

static void page_is_whole(void **state) {
    (void)state;
    assert_non_null(strstr(page_flamegraph, "{{title}}"));
    assert_non_null(strstr(page_flamegraph, "{{data}}"));
    assert_null(strstr(page_flamegraph, "{{file"));
    assert_null(strstr(page_flamegraph, "{{hashes"));
    assert_string_equal(page_flamegraph + strlen(page_flamegraph) - 8, "</html>\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(markup_is_text),     cmocka_unit_test(json_holds_no_bracket),
        cmocka_unit_test(letters_are_base64), cmocka_unit_test(numbers_of_any_size),
        cmocka_unit_test(marks_are_filled),   cmocka_unit_test(page_is_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
