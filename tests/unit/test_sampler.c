/* The statistics of sampling, all seeded. Each estimate is compared with the truth in units of its own
 * standard error over 200 runs; the last tests plant a bias and demand that the same comparison sees it. */
#include "profiler/sampler.h"

#include <math.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

#include "alloc/hook.h"
#include "tests/support/unit.h"

enum { RUNS = 200, RATE = 512 * 1024 };

/* One (thread, size class) as the allocator keeps it: counts down to its next sample. */
struct counter {
    size_t size;
    uint64_t left, rate;
};

static void restart(struct counter *counter) { counter->left = sampler_draw(counter->size, &counter->rate); }

/* The estimate that one run gives for `count` objects: sampled counts times their weights. */
static double estimate(struct counter *counter, uint64_t count) {
    double objects = 0;
    while (counter->left <= count) {
        count -= counter->left;
        objects += sampler_weight(counter->size, counter->rate);
        restart(counter);
    }
    counter->left -= count;
    return objects;
}

struct moments {
    double sum, squares;
};

static void observe(struct moments *moments, double value) {
    moments->sum += value;
    moments->squares += value * value;
}

static double mean_of(const struct moments *moments) { return moments->sum / RUNS; }

/* How many standard errors the mean is away from the truth. */
static double deviation(const struct moments *moments, double truth) {
    double mean = mean_of(moments);
    double variance = (moments->squares - RUNS * mean * mean) / (RUNS - 1);
    assert_true(variance > 0);
    return fabs(mean - truth) / sqrt(variance / RUNS);
}

static void seed_run(int run) {
    sampler_seed((uint64_t)run * 7919 + 1);
    sampler_fork_child(); /* the next draw seeds this thread's generator anew */
}

static void test_rate_zero_and_one(void **state) {
    uint64_t rate;
    (void)state;
    sampler_set_rate(0);
    assert_true(sampler_draw(8, &rate) == HEAP_HOOK_NEVER);
    assert_int_equal(sampler_set_rate(1), 0);
    for (size_t size = 8; size < 100000; size += 8) {
        assert_int_equal(sampler_draw(size, &rate), 1);
        assert_true(sampler_weight(size, rate) == 1);
    }
}

static void test_draws_are_geometric(void **state) {
    enum { DRAWS = 200000, SIZE = 64, MEAN = 4096 };
    uint64_t rate, tail = 0, ones = 0;
    double sum = 0, p = -expm1(-(double)SIZE / MEAN);
    (void)state;
    seed_run(0);
    sampler_set_rate(MEAN);
    for (int i = 0; i < DRAWS; i++) {
        uint64_t n = sampler_draw(SIZE, &rate);
        assert_true(n >= 1);
        assert_int_equal(rate, MEAN);
        sum += (double)n;
        ones += n == 1;
        tail += n > 100;
    }
    double q = pow(1 - p, 100);
    assert_true(fabs(sum / DRAWS - 1 / p) < 4 * sqrt((1 - p) / (p * p) / DRAWS));
    assert_true(fabs((double)ones / DRAWS - p) < 4 * sqrt(p * (1 - p) / DRAWS));
    assert_true(fabs((double)tail / DRAWS - q) < 4 * sqrt(q * (1 - q) / DRAWS));
}

/* Chi square of 20,000 draws over cells of about a tenth each, against the geometric law; and the next draw knows
 * nothing of the last. */
static void check_law(size_t size, uint64_t mean) {
    enum { DRAWS = 20000, CELLS = 10 };
    double p = -expm1(-(double)size / (double)mean), square = 0, last = 0, product = 0, edges[CELLS + 1] = {0};
    uint64_t rate, found[CELLS] = {0};
    sampler_set_rate(mean);
    for (int cell = 1; cell < CELLS; cell++)
        edges[cell] = ceil(log1p(-(double)cell / CELLS) / log1p(-p));
    edges[CELLS] = INFINITY;
    for (int i = 0; i < DRAWS; i++) {
        double n = (double)sampler_draw(size, &rate), below = -expm1((n - 1) * log1p(-p)) + p / 2 * pow(1 - p, n - 1);
        int cell = 0;
        while (n > edges[cell + 1])
            cell++;
        found[cell]++;
        product += (below - 0.5) * (last - 0.5) * (i > 0);
        last = below;
    }
    for (int cell = 0; cell < CELLS; cell++) {
        double expected = DRAWS * (pow(1 - p, edges[cell]) - pow(1 - p, edges[cell + 1]));
        double difference = (double)found[cell] - expected;
        assert_true(expected > 0 || found[cell] == 0);
        square += expected > 0 ? difference * difference / expected : 0;
    }
    assert_true(square < 34); /* once in 10,000 by chance, with 9 degrees of freedom */
    assert_true(fabs(product) < 4 * sqrt(DRAWS) / 12);
}

static void test_law_of_draws(void **state) {
    static const uint64_t means[] = {2, 128, 4096, RATE, (uint64_t)1 << 40};
    static const size_t sizes[] = {1, 8, 16, 48, 128, 1024, 4096, 32768};
    (void)state;
    seed_run(1);
    for (size_t m = 0; m < sizeof means / sizeof *means; m++)
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
            if (sizes[s] < 8 * means[m]) /* all are recorded above */
                check_law(sizes[s], means[m]);
}

static void test_huge_rate_and_size(void **state) {
    uint64_t rate;
    (void)state;
    sampler_set_rate(UINT64_MAX);
    for (int i = 0; i < 1000; i++)
        assert_true(sampler_draw(8, &rate) >= 1 && sampler_draw(8, &rate) <= (uint64_t)1 << 62);
    sampler_set_rate(2);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(sampler_draw((size_t)1 << 40, &rate), 1);
    assert_true(sampler_weight((size_t)1 << 40, 2) == 1);
}

/* What a forked child draws; `told` as the library's fork handler tells it. */
static void draw_in_child(bool told, uint64_t draws[64]) {
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        uint64_t rate;
        if (told)
            sampler_fork_child();
        for (int i = 0; i < 64; i++)
            draws[i] = sampler_draw(32, &rate);
        _exit(write(ends[1], draws, 64 * sizeof *draws) != 64 * sizeof *draws);
    }
    assert_int_equal(read(ends[0], draws, 64 * sizeof *draws), 64 * sizeof *draws);
    waitpid(child, NULL, 0);
    close(ends[0]);
    close(ends[1]);
}

static void test_seed_and_fork(void **state) {
    uint64_t first[64], again[64], untold[64], rate;
    (void)state;
    sampler_set_rate(RATE);
    seed_run(5);
    sampler_draw(32, &rate);
    draw_in_child(true, first);
    draw_in_child(true, again);
    draw_in_child(false, untold);
    assert_memory_equal(first, again, sizeof first);      /* the same seed, the same draws */
    assert_memory_not_equal(first, untold, sizeof first); /* and not those of the parent */
}

static void test_one_size(void **state) {
    static const size_t sizes[] = {8, 48, 1024, 32768};
    (void)state;
    sampler_set_rate(RATE);
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        uint64_t objects = ((uint64_t)64 << 20) / sizes[s];
        struct moments moments = {0, 0};
        for (int run = 0; run < RUNS; run++) {
            seed_run(run);
            struct counter counter = {.size = sizes[s]};
            restart(&counter);
            observe(&moments, estimate(&counter, objects));
        }
        assert_true(deviation(&moments, (double)objects) < 3);
    }
}

/* What the sizes of one stack add up to in bytes; `averaged` is the classic mistake of one weight by mean
 * size. */
static double mixed_run(bool averaged) {
    static const struct {
        size_t size;
        uint64_t objects;
    } mix[] = {{16, 1000000}, {4096, 5000}, {1 << 20, 20}};
    double bytes = 0, raw_bytes = 0, raw_objects = 0;
    for (size_t i = 0; i < 3; i++) {
        struct counter counter = {.size = mix[i].size};
        restart(&counter);
        double objects = estimate(&counter, mix[i].objects);
        bytes += objects * (double)mix[i].size;
        raw_objects += objects / sampler_weight(mix[i].size, RATE);
        raw_bytes += objects / sampler_weight(mix[i].size, RATE) * (double)mix[i].size;
    }
    if (!averaged || raw_objects == 0)
        return bytes;
    return raw_bytes / -expm1(-raw_bytes / raw_objects / RATE);
}

static const double mixed_truth = 16 * 1000000.0 + 4096 * 5000.0 + (1 << 20) * 20.0;

static double mixed_deviation(bool averaged) {
    struct moments moments = {0, 0};
    sampler_set_rate(RATE);
    for (int run = 0; run < RUNS; run++) {
        seed_run(run);
        observe(&moments, mixed_run(averaged));
    }
    return deviation(&moments, mixed_truth);
}

static void test_mixed_sizes(void **state) {
    (void)state;
    assert_true(mixed_deviation(false) < 3);
}

static void test_rate_changes(void **state) {
    static const uint64_t rates[] = {RATE, 65536, 1, RATE * 4};
    struct moments moments = {0, 0};
    (void)state;
    for (int run = 0; run < RUNS; run++) {
        double objects = 0;
        seed_run(run);
        struct counter counter = {.size = 256};
        for (size_t i = 0; i < 4; i++) {
            sampler_set_rate(rates[i]);
            restart(&counter); /* as heap_hook_redraw makes every thread do */
            objects += estimate(&counter, 50000);
        }
        observe(&moments, objects);
    }
    assert_true(deviation(&moments, 200000) < 3);
}

static void test_a_bias_is_seen(void **state) {
    struct moments late = {0, 0};
    (void)state;
    assert_true(mixed_deviation(true) > 3); /* averaging sizes within a stack */
    sampler_set_rate(RATE);
    for (int run = 0; run < RUNS; run++) {
        seed_run(run);
        struct counter counter = {.size = 32768};
        restart(&counter);
        counter.left++; /* every first draw one object late, as floor + 1 of ceil would be */
        double objects = 0;
        uint64_t count = 20000;
        while (counter.left <= count) {
            count -= counter.left;
            objects += sampler_weight(counter.size, counter.rate);
            restart(&counter);
            counter.left++;
        }
        observe(&late, objects);
    }
    assert_true(deviation(&late, 20000) > 3);
}

/* Bytes of one run over objects that share a gap in bytes, as ours and as the other estimator has it: of a gap that
 * ends f bytes into an object of k, the mean gap and what is left of the object, k - f. */
static void estimate_both(size_t size, int objects, double *ours, double *theirs) {
    uint64_t rate, left = sampler_draw(1, &rate);
    double mean_gap = sampler_weight(1, rate);
    *ours = *theirs = 0;
    for (int i = 0; i < objects; i++) {
        if (size < left) {
            left -= size;
            continue;
        }
        *ours += sampler_weight(size, rate) * (double)size;
        *theirs += mean_gap + (double)(size - left);
        left = sampler_draw(1, &rate);
    }
}

/* Our variance over the other's, which adds that of f for each sample: T^2 - k^2 e / (1 - e)^2 with e = exp(-k / T). */
static double part_of_variance(double sizes_over_rate) {
    double x = sizes_over_rate, e = exp(-x), p = 1 - e, ours = x * x * e / p;
    return ours / (ours + p * (1 - x * x * e / (p * p)));
}

/* Both are unbiased, and ours is the other's mean, given what is sampled: it varies less, by what f varies. */
static void test_varies_less_than_by_the_gap(void **state) {
    static const double cases[] = {0.0625, 1, 4};
    enum { OBJECTS = 400 };
    (void)state;
    sampler_set_rate(RATE);
    for (size_t c = 0; c < 3; c++) {
        struct moments ours = {0, 0}, theirs = {0, 0};
        size_t size = (size_t)(cases[c] * RATE);
        double truth = OBJECTS * (double)size, our, their;
        for (int run = 0; run < RUNS; run++) {
            seed_run(run);
            estimate_both(size, OBJECTS, &our, &their);
            observe(&ours, our - truth);
            observe(&theirs, their - truth);
        }
        assert_true(deviation(&ours, 0) < 3);
        assert_true(deviation(&theirs, 0) < 3);
        assert_true(fabs(ours.squares / theirs.squares - part_of_variance(cases[c])) < 0.1);
    }
    assert_true(part_of_variance(4) < 0.31);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rate_zero_and_one),  cmocka_unit_test(test_draws_are_geometric),
        cmocka_unit_test(test_huge_rate_and_size), cmocka_unit_test(test_seed_and_fork),
        cmocka_unit_test(test_one_size),           cmocka_unit_test(test_mixed_sizes),
        cmocka_unit_test(test_rate_changes),       cmocka_unit_test(test_a_bias_is_seen),
        cmocka_unit_test(test_law_of_draws),       cmocka_unit_test(test_varies_less_than_by_the_gap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
