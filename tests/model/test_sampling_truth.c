/* Sampling tells the truth, and says how sure it is: the real sampler behind the real allocator, over many seeds, at
 * four rates, in the four views of a profile. For every load and site
 *
 *   - the mean of the estimates is the truth, within 4 of its standard errors (which the formula gives, not the runs);
 *   - the estimates vary as the formula says, and the variance that each run estimates from its own samples is right in
 *     the mean;
 *   - the interval of 95% that each run computes from its samples covers the truth in about 95 of 100 runs;
 *   - where everything is recorded each run is exact.
 *
 * The second half plants mistakes one by one, and demands that the same comparison sees each. */
#include "profiler/sampler.h"

#include "tests/support/sampling_loads.h"
#include "tests/support/sanitized.h"

enum { RUNS = 400 / SANITIZED_STRIDE };

static const uint64_t rates[] = {1, 128, 4096, 512 * 1024};

enum { RATES = sizeof rates / sizeof *rates };

/* Of one site and view, over the runs. */
struct moments {
    double sum, squares, variance_sum, variance_squares;
    int covered;
    bool inexact;
};

struct result {
    struct figure truth[SITES];
    struct moments moments[SITES][VIEWS];
};

static void observe(struct moments *moments, double value, double variance, double truth) {
    moments->sum += value;
    moments->squares += (value - truth) * (value - truth);
    moments->variance_sum += variance;
    moments->variance_squares += variance * variance;
    moments->covered += fabs(value - truth) <= 1.96 * sqrt(variance) + 1e-9 * truth;
    moments->inexact |= fabs(value - truth) > 1e-9 * truth;
}

static void run_once(const struct load *load, uint64_t rate, enum fault fault, int run, struct result *result) {
    struct figure estimate[SITES];
    item_count = 0;
    books_open((uint64_t)run + 1, rate, fault);
    load->run(rate);
    books_estimate(estimate);
    books_close();
    for (size_t i = 0; run == 0 && i < item_count; i++)
        truth_add(result->truth, &items[i]);
    for (int site = 0; site < SITES; site++)
        for (int view = 0; view < VIEWS; view++)
            observe(&result->moments[site][view], estimate[site].value[view], estimate[site].variance[view],
                    result->truth[site].value[view]);
    for (size_t i = 0; i < item_count; i++)
        end(&items[i]);
}

/* ---- the comparison ---- */

/* What is wrong with one site in one view; NULL when nothing is. */
static const char *find_wrong(const struct figure *truth, const struct moments *moments, int view) {
    double value = truth->value[view], variance = truth->variance[view];
    if (variance <= 0)
        return moments->inexact ? "a run is not exact" : NULL;
    if (fabs(moments->sum / RUNS - value) > 4 * sqrt(variance / RUNS))
        return "the estimate is biased";
    /* The rest is asymptotic: of as many samples as make the estimate nearly normal. */
    if (variance * variance / truth->spread[view] < 50)
        return NULL;
    if (fabs(moments->squares / RUNS / variance - 1) > 5 * sqrt(2.0 / RUNS))
        return "the estimate varies otherwise than the formula says";
    if (fabs(moments->variance_sum / RUNS - variance) > 4 * sqrt(truth->spread[view] / RUNS))
        return "the estimate of the variance is biased";
    if (moments->covered < 0.91 * RUNS || moments->covered > 0.98 * RUNS)
        return "intervals of 95% cover another part";
    return NULL;
}

/* How many of the sites and views are wrong; each is shown when `why` says so. */
static int judge(const struct load *load, uint64_t rate, enum fault fault, bool show) {
    static const char *const views[] = {"alloc_objects", "alloc_space", "inuse_objects", "inuse_space"};
    static struct result result;
    int wrong = 0;
    memset(&result, 0, sizeof result);
    for (int run = 0; run < RUNS; run++)
        run_once(load, rate, fault, run, &result);
    for (int site = 0; site < SITES; site++) {
        for (int view = 0; view < VIEWS; view++) {
            const struct figure *truth = &result.truth[site];
            const struct moments *moments = &result.moments[site][view];
            const char *what = find_wrong(truth, moments, view);
            wrong += what != NULL;
            if (what && show)
                print_message("%s at %llu, site %d, %s: %s: mean %g of %g, %.2f standard errors, variance %g of %g, "
                              "covered %.3f\n",
                              load->name, (unsigned long long)rate, site, views[view], what, moments->sum / RUNS,
                              truth->value[view],
                              (moments->sum / RUNS - truth->value[view]) / sqrt(truth->variance[view] / RUNS),
                              moments->squares / RUNS, truth->variance[view], moments->covered / (double)RUNS);
        }
    }
    return wrong;
}

/* ---- as it is ---- */

static int set_up(void **state) {
    (void)state;
    heap_hook_install(&books_hook);
    return 0;
}

static void test_load(void **state) {
    const struct load *load = *state;
    int wrong = 0;
    for (int r = 0; r < RATES; r += SANITIZED_STRIDE)
        wrong += judge(load, rates[r], FAULT_NONE, true);
    assert_int_equal(wrong, 0);
}

static void estimate_threads(uint64_t seed, double rounded[SITES][VIEWS]) {
    struct figure estimate[SITES];
    item_count = 0;
    books_open(seed, 4096, FAULT_NONE);
    load_threads(4096);
    books_estimate(estimate);
    books_close();
    for (int site = 0; site < SITES; site++)
        for (int view = 0; view < VIEWS; view++)
            rounded[site][view] = round(estimate[site].value[view]); /* the order of a sum is the threads' */
    for (size_t i = 0; i < item_count; i++)
        end(&items[i]);
}

/* The same seed, the same samples; another, others. */
static void test_repeatable(void **state) {
    double first[SITES][VIEWS], again[SITES][VIEWS], other[SITES][VIEWS];
    (void)state;
    estimate_threads(1, first);
    estimate_threads(2, other);
    assert_memory_not_equal(first, other, sizeof first);
    for (int i = 0; i < 20; i++) {
        estimate_threads(1, again);
        assert_memory_equal(first, again, sizeof first);
    }
}

/* ---- with a mistake ---- */

/* A load that must see the mistake, at every rate from this one on. At rate 1 nothing is drawn and every weight is 1.
 */
static const struct planted {
    const char *name;
    enum fault fault;
    int load, from;
} planted[] = {
    {"fault_one_late", FAULT_ONE_LATE, ONE_SIZE, 0},
    {"fault_periodic", FAULT_PERIODIC, AROUND_THE_RATE, 1},
    {"fault_linear_weight", FAULT_LINEAR_WEIGHT, AROUND_THE_RATE, 1},
    {"fault_mean_size", FAULT_MEAN_SIZE, MIXED_SIZES, 0},
    {"fault_asked_size", FAULT_ASKED_SIZE, AROUND_THE_RATE, 0},
    {"fault_new_rate", FAULT_NEW_RATE, RATE_CHANGES, 0},
    {"fault_free_new_rate", FAULT_FREE_NEW_RATE, RATE_CHANGES, 0},
    {"fault_resized_size", FAULT_RESIZED_SIZE, REALLOC_CHAINS, 0},
    {"fault_resized_lives", FAULT_RESIZED_LIVES, REALLOC_CHAINS, 0},
    {"fault_remote_lives", FAULT_REMOTE_LIVES, THREADS, 0},
    {"fault_carried_over", FAULT_CARRIED_OVER, REENTRANT, 1},
};

enum { PLANTED = sizeof planted / sizeof *planted };

_Static_assert(PLANTED == FAULTS - 1, "every fault is planted");

static void test_fault(void **state) {
    const struct planted *fault = *state;
    for (int r = fault->from; r < RATES; r += SANITIZED_STRIDE)
        if (judge(&loads[fault->load], rates[r], fault->fault, false) == 0)
            fail_msg("%s is not seen at %llu", loads[fault->load].name, (unsigned long long)rates[r]);
}

int main(void) {
    static struct CMUnitTest tests[LOADS + 1 + PLANTED];
    struct CMUnitTest *test = tests;
    for (int i = 0; i < LOADS; i++)
        *test++ = (struct CMUnitTest){loads[i].name, test_load, NULL, NULL, (void *)(uintptr_t)&loads[i]};
    *test++ = (struct CMUnitTest)cmocka_unit_test(test_repeatable);
    for (int i = 0; i < PLANTED; i++)
        *test++ = (struct CMUnitTest){planted[i].name, test_fault, NULL, NULL, (void *)(uintptr_t)&planted[i]};
    return cmocka_run_group_tests(tests, set_up, NULL);
}
