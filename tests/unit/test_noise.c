/* What rows rest on, against the sums of each estimate by itself: random samples of a profile, whole and not, added to
 * random rows, and rows that are moved onto others. */
#include "diff/noise.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rand.h"
#include "tests/support/unit.h"

enum { SAMPLES = 3000, ROWS = 200, TYPES = 4, RATE = 512 * 1024 };

static const char *const texts[] = {"",      "alloc_objects", "count",       "alloc_space", "bytes",
                                    "space", "inuse_objects", "inuse_space", "bytes"};

/* The profile's arrays. */
static struct profile_string strings[sizeof texts / sizeof *texts];
static struct profile_value_type types[TYPES] = {{1, 2}, {3, 4}, {6, 2}, {7, 4}};
static struct profile_sample samples[SAMPLES];
static struct profile_label labels[SAMPLES];
static int64_t values[SAMPLES][TYPES];

static struct heapprofile make_profile(struct rand_state *rand) {
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        strings[i] = (struct profile_string){texts[i], (uint32_t)strlen(texts[i])};
    for (uint32_t i = 0; i < SAMPLES; i++) {
        int64_t slot = 16 * (1 + (int64_t)rand_below(rand, 600)); /* more sizes than weights are kept */
        double p = -expm1(-(double)slot / RATE);
        samples[i] = (struct profile_sample){.first_label = i, .label_count = i % 11 != 0};
        labels[i] = (struct profile_label){.key = 4, .number = slot};
        for (int pair = 0; pair < TYPES; pair += 2) {
            double objects = (double)rand_below(rand, 5) / p;
            values[i][pair] = (int64_t)objects;
            values[i][pair + 1] = (int64_t)(objects * (double)slot) + (i % 7 ? 0 : (int64_t)rand_below(rand, 100000));
        }
    }
    return (struct heapprofile){.profile = {.strings = strings,
                                            .sample_types = types,
                                            .samples = samples,
                                            .labels = labels,
                                            .values = values[0],
                                            .string_count = sizeof texts / sizeof *texts,
                                            .sample_type_count = TYPES,
                                            .sample_count = SAMPLES,
                                            .label_count = SAMPLES,
                                            .period_type = {5, 4},
                                            .period = RATE}};
}

static void add_plainly(struct estimate sums[TYPES], uint32_t index) {
    uint64_t slot = samples[index].label_count ? (uint64_t)labels[index].number : 0;
    for (int pair = 0; pair < TYPES; pair += 2) {
        struct estimate_bucket bucket = estimate_bucket(values[index][pair + 1], slot, RATE);
        estimate_add_objects(&sums[pair], values[index][pair], slot, &bucket);
        estimate_add_bytes(&sums[pair + 1], values[index][pair + 1], &bucket);
    }
}

static void assert_same(double a, double b) {
    if (fabs(a - b) > 1e-12 * fabs(b))
        fail_msg("%.17g is not %.17g", a, b);
}

static void assert_row(const struct noise *noise, uint32_t row, const struct estimate sums[TYPES],
                       const struct sampling *sampling) {
    static const struct sampled nothing;
    const struct sampled *found = noise_find(noise, row);
    for (int kind = 0; kind < SAMPLED_KINDS; kind++) {
        struct estimate estimate = sampled_estimate(found ? found : &nothing, (enum sampled_kind)kind, sampling);
        assert_same(estimate.value, sums[kind].value);
        assert_same(estimate.variance, sums[kind].variance);
        assert_same(estimate.samples, sums[kind].samples);
        assert_same(estimate.unknown, sums[kind].unknown);
        assert_same(estimate.density, sums[kind].density);
        assert_same(estimate.rate, RATE);
    }
}

static void test_sums(void **state) {
    (void)state;
    struct rand_state rand;
    rand_seed(&rand, 21);
    struct heapprofile source = make_profile(&rand);
    struct sampling sampling = sampling_find(&source);
    static struct sampled_weights weights;
    static struct estimate plain[ROWS][TYPES];
    struct noise noise = {0};
    assert_null(noise_find(&noise, 5));
    for (uint32_t i = 0; i < SAMPLES; i++) {
        struct sampled sample = sampling_read(&sampling, &weights, i);
        uint32_t row = (uint32_t)rand_below(&rand, ROWS) & ~1u; /* nothing in odd rows */
        assert_true(noise_add(&noise, row, &sample));
        add_plainly(plain[row], i);
    }
    for (uint32_t row = 0; row < ROWS; row++)
        assert_row(&noise, row, plain[row], &sampling);
    assert_true(noise_move(&noise, 10, 11) && noise_move(&noise, 12, 14) && noise_move(&noise, 13, 16));
    assert_true(noise_move(&noise, 18, 100000));
    for (int kind = 0; kind < TYPES; kind++)
        plain[14][kind] = estimate_sum(&plain[14][kind], &plain[12][kind]);
    assert_row(&noise, 11, plain[10], &sampling);
    assert_row(&noise, 14, plain[14], &sampling);
    assert_row(&noise, 16, plain[16], &sampling);
    assert_row(&noise, 100000, plain[18], &sampling);
    assert_null(noise_find(&noise, 10));
    assert_null(noise_find(&noise, 12));
    assert_null(noise_find(&noise, 18));
    noise_close(&noise);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sums),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
