/* Sizes and durations: what people write, what they must not get away with, and round trips. */
#include "base/units.h"

#include <string.h>

#include "base/rand.h"
#include "tests/support/unit.h"

static void test_bytes_accepted(void **state) {
    (void)state;
    static const struct {
        const char *text;
        uint64_t bytes;
    } good[] = {
        {"0", 0},
        {"1", 1},
        {"007", 7},
        {"4096B", 4096},
        {"4096b", 4096},
        {"1K", 1024},
        {"1k", 1024},
        {"1KB", 1024},
        {"1Ki", 1024},
        {"512KiB", 524288},
        {"512kib", 524288},
        {"1.5MiB", 1572864},
        {"0.5K", 512},
        {"1.25Gi", 1342177280},
        {"2GiB", 2147483648},
        {"3T", 3298534883328},
        {"18446744073709551615", UINT64_MAX},
        {"16777215TiB", 16777215ull << 40},
        {"1.0000009KiB", 1024},
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        uint64_t bytes = 99;
        if (!units_parse_bytes(good[i].text, &bytes) || bytes != good[i].bytes)
            fail_msg("'%s' gives %llu", good[i].text, (unsigned long long)bytes);
    }
}

static void test_bytes_refused(void **state) {
    (void)state;
    static const char *const bad[] = {
        "",
        " ",
        "-1",
        "+1",
        "KiB",
        "B",
        "1 KiB",
        "1KiB ",
        " 1",
        "1e3",
        "0x10",
        "1KiBB",
        "1Kib1",
        "1KK",
        "1P",
        "1Q",
        ".5M",
        "1.M",
        "1..5M",
        "1,5M",
        "1.5",
        "1.5B",
        "18446744073709551616",
        "16777216TiB",
        "1KiM",
        "off",
        "nan",
        "1\n",
        "1\xc2K",
        "1.5.5M",
        "99999999999999999999",
        "16777215.9999999999TiBB",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        uint64_t bytes = 99;
        if (units_parse_bytes(bad[i], &bytes))
            fail_msg("'%s' is taken for %llu", bad[i], (unsigned long long)bytes);
    }
    uint64_t bytes;
    assert_false(units_parse_bytes(NULL, &bytes));
}

static void test_durations_accepted(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t nanoseconds;
    } good[] = {
        {"0", 0},
        {"0s", 0},
        {"1ns", 1},
        {"1us", 1000},
        {"1ms", 1000000},
        {"1s", 1000000000},
        {"1m", 60000000000},
        {"1h", 3600000000000},
        {"1d", 86400000000000},
        {"1m30s", 90000000000},
        {"1m30ms", 60030000000},
        {"1.5s", 1500000000},
        {"0.25ms", 250000},
        {"1h0m0.5s", 3600500000000},
        {"106751d", 9223286400000000000},
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        int64_t nanoseconds = -9;
        if (!units_parse_duration(good[i].text, &nanoseconds) || nanoseconds != good[i].nanoseconds)
            fail_msg("'%s' gives %lld", good[i].text, (long long)nanoseconds);
    }
}

static void test_durations_refused(void **state) {
    (void)state;
    static const char *const bad[] = {
        "",    " ",     "5",    "00",   "-1s",     "+1s",     "s",     "1",     "1s2",
        "1 s", "1s ",   "1sec", "1min", "1M",      "1S",      "1.s",   ".5s",   "1e3s",
        "1ss", "1m 5s", "1mns", "1w",   "106752d", "300000d", "30,5s", "1h-5m", "99999999999999999999s"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int64_t nanoseconds = -9;
        if (units_parse_duration(bad[i], &nanoseconds))
            fail_msg("'%s' is taken for %lld", bad[i], (long long)nanoseconds);
        assert_true(nanoseconds == -9);
    }
    int64_t nanoseconds;
    assert_false(units_parse_duration(NULL, &nanoseconds));
}

static void test_format_known(void **state) {
    (void)state;
    static const struct {
        uint64_t bytes;
        const char *text;
    } known[] = {
        {0, "0B"},
        {1, "1B"},
        {1023, "1023B"},
        {1024, "1KiB"},
        {1025, "1.00KiB"},
        {1536, "1.50KiB"},
        {524288, "512KiB"},
        {10 * 1024 + 512, "10.5KiB"},
        {300 * 1024 + 1, "300KiB"},
        {1572864, "1.50MiB"},
        {1ull << 30, "1GiB"},
        {1ull << 50, "1024TiB"},
        {1080ull * 1024 * 1024 * 1024 * 1024, "1080TiB"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        char text[32];
        assert_string_equal(units_format_bytes(text, sizeof text, known[i].bytes), known[i].text);
    }
    char small[4];
    assert_string_equal(units_format_bytes(small, sizeof small, 524288), "512");
}

/* What is printed is read back: exactly for whole multiples, else within half a unit of the third digit and a
 * byte. */
static void test_format_round_trip(void **state) {
    (void)state;
    struct rand_state rand;
    rand_seed(&rand, 1);
    for (int i = 0; i < 200000; i++) {
        uint64_t bytes = rand_next(&rand) >> (14 + rand_below(&rand, 50)), back;
        char text[32];
        units_format_bytes(text, sizeof text, bytes);
        assert_true(units_parse_bytes(text, &back));
        double error = (double)back - (double)bytes;
        if (error < 0)
            error = -error;
        if (error > (double)bytes * 0.005 + 1)
            fail_msg("%llu is printed as '%s'", (unsigned long long)bytes, text);
        uint64_t whole = (bytes & 0x3ff) << 20;
        units_format_bytes(text, sizeof text, whole);
        assert_true(units_parse_bytes(text, &back) && back == whole);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes_accepted),     cmocka_unit_test(test_bytes_refused),
        cmocka_unit_test(test_durations_accepted), cmocka_unit_test(test_durations_refused),
        cmocka_unit_test(test_format_known),       cmocka_unit_test(test_format_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
