/* Where a file is looked for, and in which order. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "symbolizer/places.h"

struct heard {
    char paths[64][PATH_MAX];
    enum place_kind kinds[64];
    size_t count, stop_at;
};

static bool hear(void *context, const char *path, enum place_kind kind) {
    struct heard *heard = context;
    assert_true(heard->count < 64 && strlen(path) < PATH_MAX);
    strcpy(heard->paths[heard->count], path);
    heard->kinds[heard->count++] = kind;
    return heard->count == heard->stop_at;
}

static struct heard heard;
static const char *const dirs[] = {"/one", "two"};
static const struct module_search search = {dirs, 2};

static struct build_id make_id(const char *hex) {
    struct build_id id;
    assert_true(build_id_parse(&id, hex));
    return id;
}

static void expect_places(const char *const *expected, size_t count) {
    for (size_t i = 0; i < count && i < heard.count; i++)
        assert_string_equal(heard.paths[i], expected[i]);
    assert_int_equal(heard.count, count);
}

static void binary_by_id(void **state) {
    (void)state;
    struct build_id id = make_id("abcdef");
    const char *const expected[] = {
        "/usr/bin/x",
        "/one/abcdef/x",
        "/one/x",
        "/one//usr/bin/x",
        "/one//usr/bin/x/abcdef",
        "/one/.build-id/ab/cdef",
        "/one/.build-id/ab/cdef.debug",
        "/one/ab/cdef.debug",
        "two/abcdef/x",
        "two/x",
        "two//usr/bin/x",
        "two//usr/bin/x/abcdef",
        "two/.build-id/ab/cdef",
        "two/.build-id/ab/cdef.debug",
        "two/ab/cdef.debug",
        "/usr/lib/debug/.build-id/ab/cdef.debug",
    };
    heard = (struct heard){0};
    assert_false(places_walk_binary("/usr/bin/x", &id, &search, hear, &heard));
    expect_places(expected, sizeof expected / sizeof *expected);
    assert_int_equal(heard.kinds[0], PLACE_MAPPED);
    assert_int_equal(heard.kinds[1], PLACE_GIVEN);
    assert_int_equal(heard.kinds[15], PLACE_SYSTEM);
    heard = (struct heard){.stop_at = 3};
    assert_true(places_walk_binary("/usr/bin/x", &id, &search, hear, &heard));
    assert_int_equal(heard.count, 3);
}

static void binary_without_id(void **state) {
    (void)state;
    struct build_id id = make_id("");
    const char *const expected[] = {"/one/x", "/one//usr/bin/x", "two/x", "two//usr/bin/x", "/usr/bin/x"};
    heard = (struct heard){0};
    assert_false(places_walk_binary("/usr/bin/x", &id, &search, hear, &heard));
    expect_places(expected, 5);
    assert_int_equal(heard.kinds[4], PLACE_MAPPED);
    const char *const unsure[] = {"/usr/bin/x (deleted)", "usr/bin/x", "", " (deleted)"};
    for (size_t i = 0; i < 4; i++) {
        heard = (struct heard){0};
        assert_false(places_walk_binary(unsure[i], &id, &search, hear, &heard));
        for (size_t k = 0; k < heard.count; k++)
            assert_int_equal(heard.kinds[k], PLACE_GIVEN);
    }
}

static void deleted_binary_by_id(void **state) {
    (void)state;
    struct build_id id = make_id("abcdef");
    heard = (struct heard){0};
    places_walk_binary("/usr/bin/x (deleted)", &id, &search, hear, &heard);
    assert_string_equal(heard.paths[0], "/usr/bin/x");
    assert_string_equal(heard.paths[1], "/one/abcdef/x");
}

static void names_that_do_not_fit_are_left_out(void **state) {
    (void)state;
    static char path[4 * PATH_MAX];
    struct build_id id = make_id("abcdef");
    memset(path, 'y', sizeof path - 1);
    path[0] = '/';
    heard = (struct heard){0};
    places_walk_binary(path, &id, &search, hear, &heard);
    places_walk_debug(path, &id, path, &search, hear, &heard);
    places_walk_shared(path, &id, path, &search, hear, &heard);
    for (size_t i = 0; i < heard.count; i++)
        assert_null(strstr(heard.paths[i], "yyyy"));
    path[PATH_MAX - 3] = 0;
    heard = (struct heard){0};
    places_walk_binary(path, &id, &search, hear, &heard);
    assert_string_equal(heard.paths[0], path);
    assert_string_equal(heard.paths[1], "/one/.build-id/ab/cdef");
}

static void debug_file(void **state) {
    (void)state;
    struct build_id id = make_id("abcdef"), none = make_id("");
    const char *const expected[] = {"/usr/none/x.debug",
                                    "/usr/none/.debug/x.debug",
                                    "/one//usr/none/x.debug",
                                    "/one/x.debug",
                                    "two//usr/none/x.debug",
                                    "two/x.debug",
                                    "/usr/lib/debug//usr/none/x.debug"};
    heard = (struct heard){0};
    places_walk_debug("/usr/none/x", &none, "x.debug", &search, hear, &heard);
    expect_places(expected, 7);
    heard = (struct heard){0};
    places_walk_debug("/usr/none/x", &id, NULL, &search, hear, &heard);
    assert_int_equal(heard.count, 5);
    assert_string_equal(heard.paths[0], "/one/.build-id/ab/cdef.debug");
    assert_string_equal(heard.paths[4], "/usr/lib/debug/.build-id/ab/cdef.debug");
    heard = (struct heard){0};
    places_walk_debug("/usr/none/x", &none, NULL, &search, hear, &heard);
    assert_int_equal(heard.count, 0);
}

static void shared_file(void **state) {
    (void)state;
    struct build_id none = make_id("");
    const char *const expected[] = {
        "/usr/none/../y/z.debug", "/one/z.debug",     "/one/.dwz/z.debug",          "/one/../y/z.debug", "two/z.debug",
        "two/.dwz/z.debug",       "two/../y/z.debug", "/usr/lib/debug/.dwz/z.debug"};
    heard = (struct heard){0};
    places_walk_shared("/usr/none/x.debug", &none, "../y/z.debug", &search, hear, &heard);
    expect_places(expected, 8);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(binary_by_id),         cmocka_unit_test(binary_without_id),
        cmocka_unit_test(deleted_binary_by_id), cmocka_unit_test(names_that_do_not_fit_are_left_out),
        cmocka_unit_test(debug_file),           cmocka_unit_test(shared_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
