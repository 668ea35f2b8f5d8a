/* Samples are read back from what writers wrote of them, and from nothing else. */
#include "diff/estimate.h"

#include <math.h>

#include "tests/support/unit.h"

enum writer { ROUNDED, CUT, WRITERS };

static const uint64_t rates[] = {2, 128, 4096, 512 * 1024, 16 * 1024 * 1024};

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* As Go's runtime/pprof computes it, and as heaptap's profiler does. */
static int64_t write_bytes(double samples, uint64_t slot, uint64_t rate, enum writer writer) {
    if (writer == CUT)
        return (int64_t)(samples * (double)slot * (1 / (1 - exp(-(double)slot / (double)rate))));
    return (int64_t)(samples / -expm1(-(double)slot / (double)rate) * (double)slot + 0.5);
}

static void expect_read_back(double samples, uint64_t slot, uint64_t rate, enum writer writer) {
    int64_t bytes = write_bytes(samples, slot, rate, writer);
    struct estimate_bucket bucket = estimate_bucket(bytes, slot, rate);
    if (!bucket.is_known || bucket.samples != samples)
        fail_msg("%.0f samples of %llu bytes at %llu, written as %lld, are read as %.17g%s", samples,
                 (unsigned long long)slot, (unsigned long long)rate, (long long)bytes, bucket.samples,
                 bucket.is_known ? "" : ", unknown");
}

/* Every size up to 32 KiB that an allocator may have, larger ones by pages, and odd ones. */
static void test_every_size_is_read_back(void **state) {
    (void)state;
    const double counts[] = {1, 2, 3, 7, 100, 4095, 1e6, 123456789};
    for (enum writer writer = 0; writer < WRITERS; writer++)
        for (size_t r = 0; r < COUNT(rates); r++)
            for (uint64_t slot = 8; slot <= 1 << 20; slot += slot < 1024 ? 8 : slot < 32768 ? 136 : 4096)
                for (size_t i = 0; i < COUNT(counts); i++)
                    if (counts[i] * (double)(slot + rates[r]) < 0x1p53)
                        expect_read_back(counts[i], slot, rates[r], writer);
}

/* Files that were added up after each was cut have as many roundings. */
static void test_sums_of_files_are_read_back(void **state) {
    (void)state;
    for (uint64_t slot = 16; slot < 100000; slot = slot * 3 / 2)
        for (size_t r = 2; r < COUNT(rates); r++) {
            int64_t bytes = 0;
            for (int file = 0; file < 12; file++)
                bytes += write_bytes(file + 1, slot, rates[r], CUT);
            struct estimate_bucket bucket = estimate_bucket(bytes, slot, rates[r]);
            assert_true(bucket.is_known && bucket.samples == 78);
        }
}

/* What is 1 in `of` known in any case, since a scaled number can be a multiple by chance. */
static void expect_mostly_unknown(double (*change)(double bytes, double slot, double rate), const char *what) {
    int known = 0, all = 0;
    for (uint64_t slot = 16; slot <= 200000; slot += slot < 4096 ? 16 : 1040)
        for (int samples = 1; samples <= 7; samples += 2) {
            double bytes = (double)write_bytes(samples, slot, 512 * 1024, ROUNDED);
            known += estimate_bucket((int64_t)change(bytes, (double)slot, 512 * 1024), slot, 512 * 1024).is_known;
            all++;
        }
    if (known > all / 50)
        fail_msg("%s: %d of %d taken for whole samples", what, known, all);
}

static double half(double bytes, double slot, double rate) {
    (void)slot, (void)rate;
    return bytes / 2;
}

static double per_second(double bytes, double slot, double rate) {
    (void)slot, (void)rate;
    return bytes / 300.7;
}

/* One more sample, of a time with another rate. */
static double other_rate(double bytes, double slot, double rate) { return bytes + slot / -expm1(-slot / (rate * 0.7)); }

/* tcmalloc lets a sample stand for rate + slot - the end of the gap in it. */
static double by_gap(double bytes, double slot, double rate) {
    (void)bytes;
    return rate + slot - floor(slot / 3);
}

static void test_others_are_unknown(void **state) {
    (void)state;
    expect_mostly_unknown(half, "halves of odd numbers");
    expect_mostly_unknown(per_second, "rates by time");
    expect_mostly_unknown(other_rate, "samples of two rates");
    expect_mostly_unknown(by_gap, "tcmalloc's weights");
}

static void test_ends(void **state) {
    (void)state;
    struct estimate_bucket bucket = estimate_bucket(0, 0, 0);
    assert_true(bucket.is_known && bucket.samples == 0);
    assert_false(estimate_bucket(1000, 0, 4096).is_known);
    assert_false(estimate_bucket(1000, 64, 0).is_known);
    assert_false(estimate_bucket(-4128, 64, 4096).is_known);
    assert_false(estimate_bucket(INT64_MIN, 64, 4096).is_known);
    assert_true(isfinite(estimate_bucket(INT64_MAX, 8, 1 << 30).variance_bytes));
    /* Everything is recorded: exact, whatever was added up or subtracted. */
    bucket = estimate_bucket(-640, 64, 1);
    assert_true(bucket.is_known && bucket.samples == -10 && bucket.variance_bytes == 0);
    /* Much larger than the rate: exact as far as doubles can tell. */
    bucket = estimate_bucket(3ll << 30, 1 << 30, 4096);
    assert_true(bucket.is_known && bucket.samples == 3 && bucket.variance_bytes == 0);
}

static bool is_near(double a, double b) { return fabs(a - b) <= 1e-9 * fabs(b); }

static void test_variance_is_of_the_formula(void **state) {
    (void)state;
    double p = -expm1(-1024.0 / 4096), samples = 17;
    int64_t bytes = write_bytes(samples, 1024, 4096, ROUNDED);
    struct estimate_bucket bucket = estimate_bucket(bytes, 1024, 4096);
    assert_true(is_near(bucket.variance_objects, samples * (1 - p) / (p * p)));
    assert_true(is_near(bucket.variance_bytes, 1024.0 * 1024 * samples * (1 - p) / (p * p)));
    assert_true(is_near(bucket.objects, samples / p));
}

static void test_sums_and_scales(void **state) {
    (void)state;
    struct estimate bytes = estimate_none(4096), objects = estimate_none(4096);
    struct estimate_bucket small = estimate_bucket(write_bytes(5, 64, 4096, CUT), 64, 4096);
    struct estimate_bucket large = estimate_bucket(write_bytes(2, 8192, 4096, CUT), 8192, 4096);
    struct estimate_bucket odd = estimate_bucket(1000, 64, 4096);
    estimate_add_bytes(&bytes, 20641, &small);
    estimate_add_bytes(&bytes, 18948, &large);
    estimate_add_bytes(&bytes, 1000, &odd);
    estimate_add_objects(&objects, 322, 64, &small);
    estimate_add_objects(&objects, 2, 8192, &large);
    assert_true(bytes.value == 40589 && bytes.density == 1 && bytes.rate == 4096 && bytes.unknown == 1000);
    assert_true(is_near(bytes.variance, small.variance_bytes + large.variance_bytes + odd.variance_bytes));
    assert_true(is_near(objects.value, small.objects + large.objects) && objects.samples == 7);
    assert_true(objects.density == 1.0 / 64 && objects.unknown == 0);
    struct estimate both = estimate_sum(&bytes, &bytes), scaled = estimate_scale(&both, 0.5);
    assert_true(is_near(both.variance, 2 * bytes.variance) && is_near(scaled.variance, bytes.variance / 2));
    assert_true(is_near(scaled.value, bytes.value) && scaled.rate == 2048 && scaled.density == 1);
    assert_true(estimate_none(1).rate == 0 && estimate_exact(7).value == 7 && estimate_exact(7).variance == 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_size_is_read_back),    cmocka_unit_test(test_sums_of_files_are_read_back),
        cmocka_unit_test(test_others_are_unknown),         cmocka_unit_test(test_ends),
        cmocka_unit_test(test_variance_is_of_the_formula), cmocka_unit_test(test_sums_and_scales),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
