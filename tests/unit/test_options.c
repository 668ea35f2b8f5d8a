/* Every variable: its good values, its bad ones (one line that names both, and the default), and what hangs
 * together. */
#include "base/options.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/unit.h"

static char complaints[4096];

/* Reads the options from one or two settings; what was printed is in `complaints`. */
static struct options read_settings(const char *first, const char *second) {
    char a[8192], b[8192];
    char *environment[3] = {NULL, NULL, NULL};
    static struct options options;
    int pipe_ends[2], saved = dup(STDERR_FILENO);
    snprintf(a, sizeof a, "%s", first ? first : "UNRELATED=1");
    snprintf(b, sizeof b, "%s", second ? second : "HEAPTAP=1");
    environment[0] = a;
    environment[1] = b;
    assert_int_equal(pipe(pipe_ends), 0);
    dup2(pipe_ends[1], STDERR_FILENO);
    close(pipe_ends[1]);
    options_read(&options, environment);
    dup2(saved, STDERR_FILENO);
    close(saved);
    ssize_t n = read(pipe_ends[0], complaints, sizeof complaints - 1);
    complaints[n > 0 ? n : 0] = '\0';
    close(pipe_ends[0]);
    return options;
}

static size_t lines(void) {
    size_t count = 0;
    for (const char *p = complaints; (p = strchr(p, '\n')); p++)
        count++;
    return count;
}

static void test_defaults(void **state) {
    (void)state;
    struct options options = read_settings(NULL, NULL);
    assert_string_equal(complaints, "");
    assert_int_equal(options.mem_profile_rate, 512 * 1024);
    assert_int_equal(options.table_max, 64 << 20);
    assert_int_equal(options.dump_keep, 100);
    assert_int_equal(options.dump_max_bytes, 1 << 30);
    assert_int_equal(options.depth, 128);
    assert_int_equal(options.unwinder, OPTIONS_UNWINDER_AUTO);
    assert_true(options.follow_fork);
    assert_false(options.has_seed);
    assert_false(options.dump_on_exit);
    assert_string_equal(options.dump_pattern, "");
}

static void test_good_values(void **state) {
    (void)state;
    assert_int_equal(read_settings("HEAPTAP_MEMPROFILERATE=64KiB", NULL).mem_profile_rate, 65536);
    assert_int_equal(read_settings("HEAPTAP_MEMPROFILERATE=0", NULL).mem_profile_rate, 0);
    assert_int_equal(read_settings("HEAPTAP_TABLE_MAX=2MiB", NULL).table_max, 2 << 20);
    assert_int_equal(read_settings("HEAPTAP_DEPTH=1024", NULL).depth, 1024);
    assert_int_equal(read_settings("HEAPTAP_UNWINDER=fp", NULL).unwinder, OPTIONS_UNWINDER_FP);
    assert_int_equal(read_settings("HEAPTAP_UNWINDER=libunwind", NULL).unwinder, OPTIONS_UNWINDER_LIBUNWIND);
    assert_int_equal(read_settings("HEAPTAP_DUMP_KEEP=3", NULL).dump_keep, 3);
    assert_int_equal(read_settings("HEAPTAP_DUMP_MAX_BYTES=1MiB", NULL).dump_max_bytes, 1 << 20);
    assert_false(read_settings("HEAPTAP_FOLLOW_FORK=0", NULL).follow_fork);
    assert_true(read_settings("HEAPTAP_CHECK=1", NULL).check);
    assert_true(read_settings("HEAPTAP_LABELS=age", NULL).label_ages);
    assert_false(read_settings("HEAPTAP_LABELS=age", NULL).label_threads);
    assert_true(read_settings("HEAPTAP_LABELS=thread,age", NULL).label_threads);
    assert_false(read_settings("HEAPTAP_CHECK=0", NULL).check);
    assert_false(read_settings(NULL, NULL).check);
    struct options seeded = read_settings("HEAPTAP_SEED=18446744073709551615", NULL);
    assert_true(seeded.has_seed && seeded.seed == UINT64_MAX);
    assert_string_equal(complaints, "");
}

static void test_first_setting_counts(void **state) {
    (void)state;
    assert_int_equal(read_settings("HEAPTAP_DEPTH=5", "HEAPTAP_DEPTH=6").depth, 5);
    assert_int_equal(read_settings("HEAPTAP_DEPTH_=5", "XHEAPTAP_DEPTH=6").depth, 128);
}

static void test_bad_values_keep_the_default(void **state) {
    (void)state;
    static const char *const bad[] = {
        "HEAPTAP_MEMPROFILERATE=12q",
        "HEAPTAP_MEMPROFILERATE=-1",
        "HEAPTAP_DEPTH=0",
        "HEAPTAP_DEPTH=1025",
        "HEAPTAP_DEPTH=99999999999999999999999",
        "HEAPTAP_UNWINDER=magic",
        "HEAPTAP_SEED=1x",
        "HEAPTAP_FOLLOW_FORK=2",
        "HEAPTAP_CHECK=2",
        "HEAPTAP_LABELS=thread,ages",
        "HEAPTAP_LABELS=thread,",
        "HEAPTAP_CHECK=10",
        "HEAPTAP_SCAVTRACE=10",
        "HEAPTAP_FOLLOW_FORK=10",
        "HEAPTAP_TABLE_MAX=1KiB",
        "HEAPTAP_DUMP=/x/%q",
        "HEAPTAP_DUMP=/x/%",
        "HEAPTAP_DUMP_KEEP=0",
        "HEAPTAP_DUMP_INTERVAL=30",
        "HEAPTAP_DUMP_ON=exit,nonsense",
        "HEAPTAP_DUMP_ON=signal:KILL",
        "HEAPTAP_DUMP_ON=signal:SEGV",
        "HEAPTAP_DUMP_MAX_BYTES=lots",
    };
    static struct options plain;
    plain = read_settings(NULL, NULL);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct options options = read_settings(bad[i], NULL);
        assert_memory_equal(&options, &plain, sizeof plain);
        assert_int_equal(lines(), 1);
        const char *equals = strchr(bad[i], '=');
        char name[64] = "";
        memcpy(name, bad[i], (size_t)(equals - bad[i]));
        assert_non_null(strstr(complaints, name));
        assert_non_null(strstr(complaints, equals + 1));
    }
}

static void test_dump_triggers(void **state) {
    (void)state;
    struct options options = read_settings("HEAPTAP_DUMP=/tmp/%p.pb.gz", NULL);
    assert_true(options.dump_on_exit);
    options = read_settings("HEAPTAP_DUMP=/tmp/%p.pb.gz", "HEAPTAP_DUMP_ON=signal:USR2");
    assert_false(options.dump_on_exit);
    assert_int_equal(options.dump_signal, SIGUSR2);
    options = read_settings("HEAPTAP_DUMP=/tmp/%p.pb.gz", "HEAPTAP_DUMP_ON=signal:SIGUSR1,exit");
    assert_true(options.dump_on_exit);
    assert_int_equal(options.dump_signal, SIGUSR1);
    options = read_settings("HEAPTAP_DUMP=/tmp/%p.pb.gz", "HEAPTAP_DUMP_ON=signal:USR2,junk");
    assert_true(options.dump_on_exit);
    assert_int_equal(options.dump_signal, 0);
    options = read_settings("HEAPTAP_DUMP=/tmp/%p.pb.gz", "HEAPTAP_DUMP_INTERVAL=1m30s");
    assert_true(options.dump_interval == 90 * INT64_C(1000000000));
    assert_string_equal(complaints, "");
}

static void test_triggers_of_the_heap(void **state) {
    (void)state;
    struct options options =
        read_settings("HEAPTAP_DUMP=/tmp/%p.pb.gz", "HEAPTAP_DUMP_ON=peak:10%,growth:64MiB,limit:90%");
    assert_string_equal(complaints, "");
    assert_false(options.dump_on_exit);
    assert_int_equal(options.dump_peak_percent, 10);
    assert_int_equal(options.dump_growth, 64 << 20);
    assert_int_equal(options.dump_limit_percent, 90);
    static const char *const bad[] = {
        "peak:0%",   "peak:1001%",      "peak:10",  "peak:%",  "peak:1%%", "limit:101%", "limit:-1%",
        "limit: 9%", "limit:99999999%", "growth:0", "growth:", "growth:x", "peak",       "limit"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char setting[100];
        snprintf(setting, sizeof setting, "HEAPTAP_DUMP_ON=growth:1MiB,%s", bad[i]);
        options = read_settings("HEAPTAP_DUMP=/tmp/%p.pb.gz", setting);
        assert_int_equal(lines(), 1);
        assert_true(options.dump_on_exit);
        assert_true(options.dump_growth == 0 && !options.dump_peak_percent && !options.dump_limit_percent);
    }
    options = read_settings("HEAPTAP_DUMP_ON=limit:90%", NULL);
    assert_int_equal(lines(), 1);
    assert_non_null(strstr(complaints, "HEAPTAP_DUMP_ON has no effect without HEAPTAP_DUMP"));
    assert_int_equal(options.dump_limit_percent, 0);
}

static void test_control(void **state) {
    (void)state;
    char longest[OPTIONS_CONTROL_MAX + 100];
    struct options options = read_settings(NULL, NULL);
    assert_true(!options.control_off && !options.control_asked);
    assert_string_equal(options.control_path, "");
    options = read_settings("HEAPTAP_CONTROL=off", "XDG_RUNTIME_DIR=/run/user/7");
    assert_true(options.control_off);
    assert_string_equal(options.control_path, "");
    options = read_settings("XDG_RUNTIME_DIR=/run/user/7", NULL);
    assert_true(!options.control_off && !options.control_asked);
    assert_string_equal(options.control_path, "/run/user/7/heaptap/%p.sock");
    options = read_settings("HEAPTAP_CONTROL=/run/%e.%p", "XDG_RUNTIME_DIR=/run/user/7");
    assert_true(options.control_asked);
    assert_string_equal(options.control_path, "/run/%e.%p");
    assert_string_equal(complaints, "");
    static const char *const bad[] = {"HEAPTAP_CONTROL=here.sock", "HEAPTAP_CONTROL=/run/%n", "HEAPTAP_CONTROL=/run/%"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        options = read_settings(bad[i], NULL);
        assert_int_equal(lines(), 1);
        assert_true(!options.control_off && !options.control_asked);
    }
    static const char *const unusable[] = {"XDG_RUNTIME_DIR=", "XDG_RUNTIME_DIR=run", "XDG_RUNTIME_DIR=/run/%p"};
    for (size_t i = 0; i < sizeof unusable / sizeof *unusable; i++) {
        options = read_settings(unusable[i], NULL);
        assert_string_equal(complaints, "");
        assert_string_equal(options.control_path, "");
    }
    memset(longest, 'x', sizeof longest);
    memcpy(longest, "HEAPTAP_CONTROL=/", 17);
    longest[sizeof longest - 1] = '\0';
    options = read_settings(longest, NULL);
    assert_int_equal(lines(), 1);
    assert_string_equal(options.control_path, "");
    memcpy(longest, "XDG_RUNTIME_DIR=/", 17);
    options = read_settings(longest, NULL);
    assert_string_equal(complaints, "");
    assert_string_equal(options.control_path, "");
}

static void test_triggers_without_a_pattern(void **state) {
    (void)state;
    struct options options = read_settings("HEAPTAP_DUMP_ON=signal:USR2", NULL);
    assert_int_equal(options.dump_signal, 0);
    assert_int_equal(lines(), 1);
    options = read_settings("HEAPTAP_DUMP_INTERVAL=1s", NULL);
    assert_int_equal(options.dump_interval, 0);
    assert_int_equal(lines(), 1);
}

static void test_long_pattern(void **state) {
    (void)state;
    char setting[OPTIONS_PATH_MAX + 64] = "HEAPTAP_DUMP=";
    memset(setting + 13, 'x', OPTIONS_PATH_MAX);
    assert_string_equal(read_settings(setting, NULL).dump_pattern, "");
    setting[13 + OPTIONS_PATH_MAX - 1] = '\0';
    assert_int_equal(strlen(read_settings(setting, NULL).dump_pattern), OPTIONS_PATH_MAX - 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_good_values),
        cmocka_unit_test(test_first_setting_counts),
        cmocka_unit_test(test_bad_values_keep_the_default),
        cmocka_unit_test(test_dump_triggers),
        cmocka_unit_test(test_triggers_of_the_heap),
        cmocka_unit_test(test_control),
        cmocka_unit_test(test_triggers_without_a_pattern),
        cmocka_unit_test(test_long_pattern),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
