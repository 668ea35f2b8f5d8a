/* Strings of the JSON output: always valid JSON, whatever a symbol is called. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cli/json.h"

static void expect(const char *text, const char *json) {
    char *out = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&out, &size);
    json_print_string(text, file);
    fclose(file);
    assert_string_equal(out, json);
    free(out);
}

static void strings(void **state) {
    (void)state;
    expect("", "\"\"");
    expect("operator\"\" _x\\", "\"operator\\\"\\\" _x\\\\\"");
    expect("a\nb\001\177", "\"a\\u000ab\\u0001\\u007f\"");
    expect("\303\251\360\237\230\200", "\"\303\251\360\237\230\200\"");
    expect("\377x\300\257\355\240\200\364\220\200\200",
           "\"\\ufffdx\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\"");
    expect("cut \360\237\230", "\"cut \\ufffd\\ufffd\\ufffd\"");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(strings)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
