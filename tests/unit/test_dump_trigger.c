/* Each trigger by itself and together: when it applies, when it applies again, what one takes from another, and how
 * many files a heap that swings can cause. */
#include "profiler/dump_trigger.h"

#include <string.h>

#include "tests/support/unit.h"

#define MIB    ((uint64_t)1 << 20)
#define SECOND ((int64_t)1000000000)

static struct dump_trigger trigger;
static int64_t now;

static void begin(struct dump_trigger settings, uint64_t heap) {
    struct dump_trigger_numbers numbers = {.heap_alloc = heap, .now = now = 1000 * SECOND};
    trigger = settings;
    dump_trigger_begin(&trigger, &numbers);
}

static const char *check_limit(uint64_t heap, uint64_t used, uint64_t limit) {
    struct dump_trigger_numbers numbers = {heap, used, limit, now};
    const char *reason = dump_trigger_check(&trigger, &numbers);
    return reason ? reason : "";
}

static const char *check(uint64_t heap) { return check_limit(heap, 0, 0); }

static uint64_t distance(uint64_t heap, uint64_t used, uint64_t limit) {
    struct dump_trigger_numbers numbers = {heap, used, limit, now};
    return dump_trigger_distance(&trigger, &numbers);
}

static void nothing_is_asked_for(void **state) {
    (void)state;
    begin((struct dump_trigger){0}, 0);
    assert_string_equal(check_limit(UINT64_MAX, UINT64_MAX, 1), "");
    assert_true(distance(0, 0, 1) == UINT64_MAX);
}

static void growth_counts_from_the_last_dump(void **state) {
    (void)state;
    begin((struct dump_trigger){.growth = 64 * MIB}, 10 * MIB);
    assert_true(distance(10 * MIB, 0, 0) == 64 * MIB);
    assert_string_equal(check(74 * MIB - 1), "");
    assert_string_equal(check(74 * MIB), "growth");
    assert_string_equal(check(74 * MIB), "");
    assert_string_equal(check(5 * MIB), "");
    assert_string_equal(check(137 * MIB), "");
    assert_string_equal(check(138 * MIB), "growth");
    dump_trigger_dumped(&trigger, 20 * MIB);
    assert_true(distance(30 * MIB, 0, 0) == 54 * MIB);
    assert_string_equal(check(83 * MIB), "");
    assert_string_equal(check(84 * MIB), "growth");
}

static void a_peak_is_above_all_that_was(void **state) {
    (void)state;
    begin((struct dump_trigger){.peak_percent = 10}, 0);
    assert_string_equal(check(MIB - 1), "");
    assert_string_equal(check(MIB), "peak");
    assert_string_equal(check(2 * MIB - 1), ""); /* by 1 MiB at least */
    assert_string_equal(check(100 * MIB), "peak");
    assert_string_equal(check(110 * MIB - 1), "");
    assert_string_equal(check(10 * MIB), "");
    assert_string_equal(check(100 * MIB), "");
    assert_true(distance(100 * MIB, 0, 0) == 10 * MIB);
    assert_string_equal(check(110 * MIB), "peak");
}

static void a_limit_applies_once_until_it_is_left(void **state) {
    (void)state;
    begin((struct dump_trigger){.limit_percent = 90}, 0);
    assert_string_equal(check_limit(0, 89, 100), "");
    assert_string_equal(check_limit(0, 90, 100), "limit");
    assert_string_equal(check_limit(0, 99, 100), "");
    assert_true(distance(0, 99, 100) == UINT64_MAX);
    assert_string_equal(check_limit(0, 82, 100), ""); /* near is what is above nine tenths of it */
    assert_string_equal(check_limit(0, 95, 100), "");
    assert_string_equal(check_limit(0, 70, 100), "");
    assert_true(distance(0, 70, 100) == 20);
    assert_string_equal(check_limit(0, 95, 100), "limit");
    assert_string_equal(check_limit(0, UINT64_MAX, 0), ""); /* the limit was taken away */
}

static void one_file_serves_all_that_apply(void **state) {
    (void)state;
    begin((struct dump_trigger){.growth = MIB, .peak_percent = 10, .limit_percent = 50}, 0);
    assert_string_equal(check_limit(8 * MIB, 8 * MIB, 10 * MIB), "limit");
    assert_string_equal(check_limit(8 * MIB, 8 * MIB, 10 * MIB), "");
    assert_string_equal(check_limit(9 * MIB, 9 * MIB, 10 * MIB), "growth");
    assert_string_equal(check_limit(9 * MIB, 9 * MIB, 10 * MIB), "");
}

static unsigned files_of(int seconds) {
    unsigned files = 0;
    for (int i = 0; i < seconds; i++) {
        now += SECOND;
        files += *check_limit(0, 95, 100) != '\0';
        files += *check_limit(0, 10, 100) != '\0';
    }
    return files;
}

static void a_swinging_heap_is_held_back(void **state) {
    (void)state;
    begin((struct dump_trigger){.limit_percent = 90}, 0);
    assert_int_equal(files_of(20), 10);
    assert_int_equal(files_of(300), 10); /* one in 30 seconds */
    now += 400 * SECOND;
    assert_int_equal(files_of(20), 10); /* saved up, but not more than ten */
}

static void what_is_held_back_is_written_later(void **state) {
    (void)state;
    begin((struct dump_trigger){.growth = MIB}, 0);
    uint64_t heap = 0;
    for (int i = 0; i < 10; i++)
        assert_string_equal(check(heap += MIB), "growth");
    assert_string_equal(check(heap += MIB), "");
    assert_true(distance(heap, 0, 0) == 0);
    now += 31 * SECOND;
    assert_string_equal(check(heap), "growth");
    assert_string_equal(check(heap), "");
}

static void a_clock_that_stands_still_or_goes_back(void **state) {
    (void)state;
    begin((struct dump_trigger){.growth = 1}, 0);
    unsigned files = 0;
    for (uint64_t heap = 1; heap < 1000; heap++) {
        now -= SECOND;
        files += *check(heap) != '\0';
    }
    assert_int_equal(files, 10);
}

static void large_numbers(void **state) {
    (void)state;
    begin((struct dump_trigger){.peak_percent = 1000, .limit_percent = 100, .growth = UINT64_MAX}, 0);
    assert_string_equal(check_limit(UINT64_MAX / 20, UINT64_MAX / 2, UINT64_MAX), "peak");
    assert_string_equal(check_limit(1, UINT64_MAX, UINT64_MAX), "limit");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_asked_for),
        cmocka_unit_test(growth_counts_from_the_last_dump),
        cmocka_unit_test(a_peak_is_above_all_that_was),
        cmocka_unit_test(a_limit_applies_once_until_it_is_left),
        cmocka_unit_test(one_file_serves_all_that_apply),
        cmocka_unit_test(a_swinging_heap_is_held_back),
        cmocka_unit_test(what_is_held_back_is_written_later),
        cmocka_unit_test(a_clock_that_stands_still_or_goes_back),
        cmocka_unit_test(large_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
