/* The estimate of what was asked for, against the truth, which the test knows: objects of many sizes, sampled as the
 * allocator samples them, of which some live on. Over 100 runs the mean is compared with the truth in standard errors;
 * the same comparison must see it when requests are reported a fiftieth too small. */
#include "profiler/requested.h"

#include <math.h>

#include "alloc/size_class.h"
#include "base/rand.h"
#include "profiler/sampler.h"
#include "tests/support/unit.h"

enum { RUNS = 100, OBJECTS = 100000, STACKS = 7, RATE = 8192 };

static struct bucket_table buckets = BUCKET_TABLE_INIT;

static uint32_t find(uint32_t stack, uint64_t slot_size, uint64_t rate) {
    struct bucket_key key = {.slot_size = slot_size, .rate = rate, .stack = stack};
    return bucket_find(&buckets, &key);
}
static uint64_t left[SIZE_CLASS_COUNT], drawn_rate[SIZE_CLASS_COUNT];

/* Whether the class's next object is the sampled one. */
static bool is_sampled(unsigned class) {
    if (left[class] == 0)
        left[class] = sampler_draw(size_classes[class].size, &drawn_rate[class]);
    return --left[class] == 0;
}

/* What this run's samples say less what is true. */
static double error_of_run(uint64_t seed, double reported) {
    struct rand_state rand;
    double asked = 0, got = 0;
    rand_seed(&rand, seed);
    sampler_seed(seed);
    sampler_fork_child();
    for (int i = 0; i < OBJECTS; i++) {
        uint32_t stack = 1 + (uint32_t)rand_below(&rand, STACKS);
        size_t size = 1 + rand_below(&rand, 1u << (4 + stack));
        unsigned class = size_class_of(size);
        bool lives = rand_below(&rand, STACKS) >= stack - 1, sampled = is_sampled(class);
        if (lives) {
            asked += (double)size;
            got += size_classes[class].size;
        }
        if (!sampled)
            continue;
        uint32_t id = find(stack, size_classes[class].size, drawn_rate[class]);
        bucket_add_alloc(&buckets, id, (size_t)((double)size * reported));
        if (!lives)
            bucket_add_free(&buckets, id);
    }
    double part = requested_part(&buckets);
    bucket_free(&buckets);
    return part - asked / got;
}

/* How many standard errors the estimate is off by. */
static double deviation(double reported) {
    double sum = 0, squares = 0;
    sampler_set_rate(RATE);
    for (int run = 0; run < RUNS; run++) {
        double error = error_of_run((uint64_t)run + 1, reported);
        assert_true(fabs(error) < 0.05);
        sum += error;
        squares += error * error;
    }
    double mean = sum / RUNS, variance = (squares - RUNS * mean * mean) / (RUNS - 1);
    return fabs(mean) / sqrt(variance / RUNS);
}

static void test_the_mean_is_the_truth(void **state) {
    (void)state;
    assert_true(deviation(1) < 4);
    assert_true(deviation(0.98) > 8);
}

static void test_all_or_nothing(void **state) {
    (void)state;
    sampler_set_rate(1);
    assert_true(requested_part(&buckets) == 0);
    uint32_t id = find(1, 64, 1);
    bucket_add_alloc(&buckets, id, 64);
    assert_true(requested_part(&buckets) == 1);
    bucket_add_alloc(&buckets, id, 32);
    assert_true(requested_part(&buckets) == 0.75);
    bucket_add_free(&buckets, id);
    bucket_add_free(&buckets, id);
    assert_true(requested_part(&buckets) == 0);
    bucket_free(&buckets);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_mean_is_the_truth),
        cmocka_unit_test(test_all_or_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
