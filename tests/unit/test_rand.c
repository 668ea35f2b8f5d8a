/* The generator against the published sequence, and its derived distributions by chi-square. */
#include "base/rand.h"

#include <stdbool.h>

#include "tests/support/unit.h"

/* The first outputs of the authors' xoshiro256++ for the state 1, 2, 3, 4. */
static void test_known_sequence(void **state) {
    (void)state;
    static const uint64_t known[] = {41943041,
                                     58720359,
                                     3588806011781223,
                                     3591011842654386,
                                     9228616714210784205u,
                                     9973669472204895162u,
                                     14011001112246962877u,
                                     12406186145184390807u,
                                     15849039046786891736u,
                                     10450023813501588000u};
    struct rand_state rand = {{1, 2, 3, 4}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        assert_true(rand_next(&rand) == known[i]);
}

/* The first outputs of splitmix64 for seed 0, which fill the state. */
static void test_seeding(void **state) {
    (void)state;
    struct rand_state rand;
    rand_seed(&rand, 0);
    assert_true(rand.s[0] == 0xe220a8397b1dcdaf);
    assert_true(rand.s[1] == 0x6e789e6aa1b965f4);
    assert_true(rand.s[2] == 0x06c45d188009454f);
    assert_true(rand.s[3] == 0xf88bb8a8724c81ec);
    assert_true(rand_next(&rand) == 5987356902031041503u);
    assert_true(rand_next(&rand) == 7051070477665621255u);
}

/* Chi-square with 255 degrees of freedom: mean 255, standard deviation 22.6; six of them either way. */
static void assert_uniform(const unsigned *counts, unsigned total) {
    double expected = total / 256.0, chi = 0;
    for (int i = 0; i < 256; i++)
        chi += (counts[i] - expected) * (counts[i] - expected) / expected;
    if (chi < 255 - 6 * 22.6 || chi > 255 + 6 * 22.6)
        fail_msg("chi-square is %f", chi);
}

static void test_uniformity(void **state) {
    (void)state;
    enum { DRAWS = 1 << 20 };
    struct rand_state rand;
    unsigned top[256] = {0}, bottom[256] = {0}, below[256] = {0}, unit[256] = {0};
    rand_seed(&rand, 3);
    for (int i = 0; i < DRAWS; i++) {
        uint64_t x = rand_next(&rand);
        top[x >> 56]++;
        bottom[x & 255]++;
        below[rand_below(&rand, 256 * 1000) / 1000]++;
        double u = rand_unit(&rand);
        assert_true(u > 0 && u <= 1);
        unit[(int)(u * 256) & 255]++;
    }
    assert_uniform(top, DRAWS);
    assert_uniform(bottom, DRAWS);
    assert_uniform(below, DRAWS);
    assert_uniform(unit, DRAWS);
}

static void test_below_bounds(void **state) {
    (void)state;
    struct rand_state rand;
    rand_seed(&rand, 4);
    bool seen[3] = {false};
    for (int i = 0; i < 1000; i++) {
        assert_true(rand_below(&rand, 1) == 0);
        uint64_t x = rand_below(&rand, 3);
        assert_true(x < 3);
        seen[x] = true;
        uint64_t n = rand_next(&rand) | 1;
        assert_true(rand_below(&rand, n) < n);
    }
    assert_true(seen[0] && seen[1] && seen[2]);
}

/* The two ends of rand_unit: all bits clear and all bits set. */
static void test_unit_ends(void **state) {
    (void)state;
    struct rand_state zero = {{0, 0, 0, 0}}, ones = {{0, 0, 0, UINT64_MAX}};
    assert_true(rand_unit(&zero) == 0x1p-53);
    assert_true(rand_unit(&ones) <= 1.0);
}

static void test_entropy_differs(void **state) {
    (void)state;
    assert_true(rand_entropy() != rand_entropy());
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_sequence), cmocka_unit_test(test_seeding),   cmocka_unit_test(test_uniformity),
        cmocka_unit_test(test_below_bounds),   cmocka_unit_test(test_unit_ends), cmocka_unit_test(test_entropy_differs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
