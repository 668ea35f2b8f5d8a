/* Whether the interval of a slope covers the truth as often as it says, in simulated heaps whose truth is known: each
 * object is recorded with its probability and the line is put through what was recorded; or nothing is sampled and the
 * program itself is restless. Seeded, so every run is the same. The figures are in docs/trend.md. */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/rand.h"
#include "diff/slope.h"
#include "tests/support/unit.h"

enum { MOST_FILES = 400, RUNS = 600 };

static const double span = 10, slot = 0.1, confidence = 0.95;

static struct rand_state state;

/* The files of one run. */
static struct {
    size_t files;
    double times[MOST_FILES], values[MOST_FILES], variances[MOST_FILES], allocated[MOST_FILES];
    uint32_t groups[MOST_FILES];
    bool is_sampled; /* at a rate of 1, so that an object of `slot` is recorded with p */
} heap;

static double p_recorded(void) { return -expm1(-slot); }

static double exponential(double mean) { return -mean * log(rand_unit(&state)); }

static double normal(void) { return sqrt(-2 * log(rand_unit(&state))) * cos(2 * M_PI * rand_unit(&state)); }

static unsigned poisson(double mean) {
    unsigned count = 0;
    for (double sum = exponential(1); sum < mean; sum += exponential(1))
        count++;
    return count;
}

static void make_files(size_t files) {
    memset(&heap, 0, sizeof heap);
    heap.files = files;
    for (size_t i = 0; i < files; i++)
        heap.times[i] = span * (double)i / (double)(files - 1);
}

static void make_irregular_files(size_t files) {
    make_files(files);
    double sum = 0;
    for (size_t i = 0; i < files; i++)
        heap.times[i] = sum += exponential(1);
    double first = heap.times[0];
    for (size_t i = 0; i < files; i++)
        heap.times[i] = (heap.times[i] - first) / (sum - first) * span;
}

/* Several processes, one after the other. */
static void make_restarts(size_t files, size_t processes) {
    make_files(files);
    for (size_t i = 0; i < files; i++)
        heap.groups[i] = (uint32_t)(i * processes / files);
}

/* One recorded object that lives in the files [from, to). */
static void record(size_t from, size_t to) {
    double p = p_recorded(), variance = slot * slot * (1 - p) / (p * p);
    heap.is_sampled = true;
    for (size_t i = from; i < heap.files && heap.groups[i] == heap.groups[from]; i++) {
        if (i < to) {
            heap.values[i] += slot / p;
            heap.variances[i] += variance;
        }
        heap.allocated[i] += variance;
    }
}

static bool is_recorded(void) { return rand_unit(&state) <= p_recorded(); }

/* As many objects, at equal distances in time, that nobody frees; in every process anew. */
static void leak(unsigned objects) {
    heap.is_sampled = true;
    for (size_t first = 0, end; first < heap.files; first = end) {
        end = first + 1;
        while (end < heap.files && heap.groups[end] == heap.groups[first])
            end++;
        double begin = heap.times[first], length = heap.times[end - 1] - begin;
        double count = objects * length / span;
        for (unsigned k = 0; k < count; k++) {
            double at = begin + length * (k + rand_unit(&state)) / count;
            size_t from = first;
            while (from < end && heap.times[from] < at)
                from++;
            if (is_recorded() && from < end)
                record(from, heap.files);
        }
    }
}

/* A constant number of places, each object replaced by a new one when its life is over. */
static void churn(unsigned places, double life) {
    double p = p_recorded(), variance = slot * slot * (1 - p) / (p * p);
    for (unsigned k = 0; k < places; k++) {
        size_t from = 0;
        bool is_in = is_recorded();
        for (size_t i = 1; i <= heap.files; i++) {
            bool is_end = i == heap.files;
            if (!is_end && rand_unit(&state) <= exp((heap.times[i - 1] - heap.times[i]) / life))
                continue;
            if (is_in)
                record(from, i);
            from = i;
            is_in = !is_end && is_recorded();
        }
    }
    /* What came and went between two files, unseen but for what was allocated. */
    double sum = 0;
    for (size_t i = 1; i < heap.files; i++) {
        double steps = (heap.times[i] - heap.times[i - 1]) / life;
        sum += variance * poisson(places * p * (steps - 1 + exp(-steps)));
        heap.allocated[i] += sum;
    }
    heap.is_sampled = true;
}

/* A queue: all live equally long. */
static void queue(unsigned places, double life) {
    for (double at = -life * rand_unit(&state) / places - life; at < span; at += life / places) {
        size_t from = 0, to = 0;
        while (from < heap.files && heap.times[from] < at)
            from++;
        while (to < heap.files && heap.times[to] < at + life)
            to++;
        if (is_recorded() && from < heap.files && to > from)
            record(from, to);
    }
    heap.is_sampled = true;
}

/* What the program does, all of it recorded. */
static void sawtooth(double periods) {
    double phase = rand_unit(&state);
    for (size_t i = 0; i < heap.files; i++) {
        double at = heap.times[i] / span * periods + phase;
        heap.values[i] += 100 * (at - floor(at));
    }
}

static void restless(double memory) {
    double level = normal(), before = 0;
    for (size_t i = 0; i < heap.files; i++) {
        double kept = memory > 0 ? exp((before - heap.times[i]) / memory) : 0;
        level = kept * level + sqrt(1 - kept * kept) * normal();
        before = heap.times[i];
        heap.values[i] += 100 + 20 * level + 5 * heap.times[i];
    }
}

static void step(void) {
    double at = span * (0.2 + 0.6 * rand_unit(&state));
    for (size_t i = 0; i < heap.files; i++)
        heap.values[i] += heap.times[i] > at ? 100 : 0;
}

struct outcome {
    double covered, alarms; /* parts of the runs */
    double width;           /* mean width of the interval over that which the spread of the slopes asks for */
};

static struct outcome run(void (*make)(size_t files), void (*grow)(void), size_t files, double truth) {
    struct outcome outcome = {0};
    double squares = 0;
    int runs = files > 100 ? RUNS / 4 : RUNS;
    rand_seed(&state, 20260101);
    for (int i = 0; i < runs; i++) {
        struct slope_plan plan;
        make(files);
        grow();
        assert_true(slope_plan_open(&plan, heap.times, NULL, heap.groups, heap.files, confidence));
        const struct slope_series series = {.values = heap.values,
                                            .variances = heap.is_sampled ? heap.variances : NULL,
                                            .allocated = heap.allocated,
                                            .unseen = heap.is_sampled ? 1 : 0};
        struct slope fit = slope_fit(&plan, &series);
        slope_plan_close(&plan);
        assert_true(fit.low <= fit.slope && fit.slope <= fit.high);
        outcome.covered += fit.low <= truth && truth <= fit.high;
        outcome.alarms += fit.p <= 1 - confidence;
        outcome.width += fit.high - fit.low;
        squares += (fit.slope - truth) * (fit.slope - truth);
    }
    outcome.width /= 2 * 1.96 * sqrt(squares * runs);
    outcome.covered /= runs;
    outcome.alarms /= runs;
    return outcome;
}

struct scenario {
    const char *name;
    void (*make)(size_t files);
    void (*grow)(void);
    size_t files;
    double truth;
    double most_width;  /* 0 = any: the truth asks for no width of that kind */
    double least_cover; /* 0 = the confidence */
};

static void churn_short(void) { churn(500, 0.1); }
static void churn_medium(void) { churn(500, 1); }
static void churn_long(void) { churn(500, 10); }
static void churn_of_few(void) { churn(30, 1); }
static void queue_medium(void) { queue(500, 3); }
static void leak_much(void) { leak(1000); }
static void leak_some(void) { leak(100); }
static void leak_little(void) { leak(24); }
static void leak_in_churn(void) {
    leak(300);
    churn(500, 0.1);
}
static void leak_in_long_churn(void) {
    leak(300);
    churn(500, 1);
}
static void two_lives(void) {
    churn(500, 0.05);
    churn(500, 3);
}
static void sawtooth_slow(void) { sawtooth(3.3); }
static void sawtooth_fast(void) { sawtooth(10.5); }
static void noise(void) { restless(0); }
static void noise_short(void) { restless(0.5); }
static void noise_long(void) { restless(2); }
static void make_five_restarts(size_t files) { make_restarts(files, 5); }

/* Of RUNS, three deviations below the confidence. */
static double least(double part, double runs) { return part - 3 * sqrt(part * (1 - part) / runs); }

static void intervals_cover_the_truth(void **unused) {
    (void)unused;
    static const struct scenario scenarios[] = {
        {"constant heap, short lives", make_files, churn_short, 3, 0, 0, 0},
        {"constant heap, short lives", make_files, churn_short, 5, 0, 0, 0},
        {"constant heap, short lives", make_files, churn_short, 40, 0, 3.2, 0},
        {"constant heap, short lives", make_files, churn_short, MOST_FILES, 0, 3.2, 0},
        {"constant heap, medium lives", make_files, churn_medium, 10, 0, 2.6, 0},
        {"constant heap, medium lives", make_files, churn_medium, 40, 0, 2.6, 0},
        {"constant heap, long lives", make_files, churn_long, 5, 0, 0, 0},
        {"constant heap, long lives", make_files, churn_long, 40, 0, 1.4, 0},
        {"constant heap, three samples", make_files, churn_of_few, 20, 0, 2.6, 0},
        {"queue", make_files, queue_medium, 20, 0, 2.2, 0},
        {"two lives in one row", make_files, two_lives, 20, 0, 0, 0.9},
        {"two lives in one row", make_files, two_lives, 80, 0, 0, 0.86},
        {"leak, 95 samples", make_files, leak_much, 3, 10, 0, 0},
        {"leak, 95 samples", make_files, leak_much, 5, 10, 0, 0},
        {"leak, 95 samples", make_files, leak_much, 40, 10, 1.3, 0},
        {"leak, 95 samples", make_files, leak_much, MOST_FILES, 10, 1.3, 0},
        {"leak, 9 samples", make_files, leak_some, 10, 1, 1.4, 0},
        {"leak, 2 samples", make_files, leak_little, 4, 0.24, 0, 0},
        {"leak, 2 samples", make_files, leak_little, 10, 0.24, 2, 0},
        {"leak, irregular files", make_irregular_files, leak_much, 20, 10, 1.4, 0},
        {"leak, 5 restarts", make_five_restarts, leak_much, 40, 10, 0, 0},
        {"leak among short lives", make_files, leak_in_churn, 10, 3, 0, 0},
        {"leak among short lives", make_files, leak_in_churn, 40, 3, 2.4, 0},
        {"leak among medium lives", make_files, leak_in_long_churn, 40, 3, 2.4, 0},
        {"sawtooth, 3.3 periods", make_files, sawtooth_slow, 20, 0, 0, 0},
        {"sawtooth, 3.3 periods", make_files, sawtooth_slow, 100, 0, 0, 0},
        {"sawtooth, 10.5 periods", make_files, sawtooth_fast, 40, 0, 0, 0},
        {"noise of no memory", make_files, noise, 5, 5, 0, 0},
        {"noise of no memory", make_files, noise, 40, 5, 2.4, 0},
        {"noise, memory of a 20th", make_files, noise_short, 40, 5, 2.8, 0},
        {"noise, memory of a 5th", make_files, noise_long, 40, 5, 2, 0},
        {"step", make_files, step, 20, 0, 0, 0},
        {"step", make_files, step, 100, 0, 0, 0},
    };
    bool ok = true;
    printf("  %-30s %5s %8s %8s %6s\n", "", "files", "covers", "p<=0.05", "width");
    for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++) {
        const struct scenario *one = &scenarios[i];
        struct outcome outcome = run(one->make, one->grow, one->files, one->truth);
        double runs = one->files > 100 ? RUNS / 4 : RUNS;
        double wanted = one->least_cover > 0 ? one->least_cover : least(confidence, runs);
        bool is_good = outcome.covered >= wanted && (!(one->most_width > 0) || outcome.width <= one->most_width);
        /* The p-value and the interval say the same. */
        is_good &= one->truth != 0 || fabs(outcome.alarms - (1 - outcome.covered)) < 0.02;
        printf("  %-30s %5zu %8.3f %8.3f %6.2f%s\n", one->name, one->files, outcome.covered, outcome.alarms,
               outcome.width, is_good ? "" : "  WRONG");
        ok &= is_good;
    }
    assert_true(ok);
}

/* A leak of a hundred samples is found, and one of a dozen mostly. */
static void leaks_are_found(void **unused) {
    (void)unused;
    assert_true(run(make_files, leak_much, 5, 10).alarms >= 0.95);
    assert_true(run(make_files, leak_much, 40, 10).alarms >= 0.999);
    assert_true(run(make_files, leak_some, 40, 1).alarms >= 0.8);
    assert_true(run(make_files, leak_in_churn, 40, 3).alarms >= 0.6);
    assert_true(run(make_five_restarts, leak_much, 40, 10).alarms >= 0.9);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(intervals_cover_the_truth),
        cmocka_unit_test(leaks_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
