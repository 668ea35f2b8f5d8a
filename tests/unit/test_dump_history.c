/* The memory of written files against a plain array: order, sums, paths that come again, growth. */
#include "profiler/dump_history.h"

#include <stdio.h>
#include <string.h>

#include "base/rand.h"
#include "tests/support/unit.h"

enum { FILES = 3000 };

static void test_against_an_array(void **state) {
    static char paths[FILES][64];
    struct dump_history history = {0};
    struct rand_state rand;
    size_t first = 0, end = 0;
    uint64_t bytes = 0;
    char path[64];
    struct dump_file file;
    (void)state;
    rand_seed(&rand, 5);
    while (end < FILES) {
        if (first == end || rand_below(&rand, 3)) {
            snprintf(paths[end], sizeof paths[end], "/some/where/%*zu", (int)rand_below(&rand, 40), end);
            file = (struct dump_file){.size = end, .inode = end};
            assert_true(dump_history_add(&history, paths[end], &file));
            bytes += end++;
        } else {
            assert_true(dump_history_take(&history, path, sizeof path, &file));
            assert_string_equal(path, paths[first]);
            assert_int_equal(file.inode, first);
            bytes -= first++;
        }
        assert_int_equal(history.count, end - first);
        assert_int_equal(history.bytes, bytes);
    }
    for (; first < end; first++) {
        assert_true(dump_history_take(&history, path, sizeof path, &file));
        assert_string_equal(path, paths[first]);
    }
    assert_false(dump_history_take(&history, path, sizeof path, &file));
    dump_history_free(&history);
}

static void test_same_path_again(void **state) {
    struct dump_history history = {0};
    struct dump_file file = {.size = 10};
    char path[8];
    (void)state;
    assert_true(dump_history_add(&history, "a", &file));
    assert_true(dump_history_add(&history, "b", &file));
    file.size = 25;
    assert_true(dump_history_add(&history, "a", &file));
    assert_int_equal(history.count, 2);
    assert_int_equal(history.bytes, 35);
    assert_true(dump_history_take(&history, path, sizeof path, &file));
    assert_string_equal(path, "b");
    assert_true(dump_history_take(&history, path, sizeof path, &file));
    assert_string_equal(path, "a");
    assert_int_equal(file.size, 25);
    dump_history_free(&history);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_against_an_array), cmocka_unit_test(test_same_path_again)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
