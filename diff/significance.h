/* Whether a row has changed: an interval of the change, and the probability of as large a one by sampling alone.
 *
 * The two sides of a comparison are independent estimates (diff/estimate.h). Each has two confidence distributions, for
 * limits from below and from above, that are gamma distributions (Fay and Feuer 1997; of equal weights they are
 * Garwood's exact limits of a count):
 *
 *     from below: mean y,      variance v
 *     from above: mean y + u,  variance v + u^2          u: what one sample more would have added
 *
 * The one-sided p-value is the probability that a draw from below of the larger side is less than one from above of
 * the smaller one (Fay, Proschan and Brittain 2015), a beta integral. Of equal weights it is the exact conditional
 * binomial test, of many samples the normal one; a side without samples gets the rule of three. The two-sided one is
 * twice the smaller. The interval is MOVER's (Zou and Donner 2008) from the one-sample limits, and moved to 0 where it
 * and the test would contradict each other at this confidence.
 *
 * Two profiles of one process share the objects that live in both, which cancel. What came and what went between are
 * the two independent estimates then; they are known but for how many did both, for which the bound is taken
 * (significance_of_process).
 *
 * Pure functions. Only significance_adjust allocates. docs/significance.md has the proofs and the figures. */
#ifndef HEAPTAP_DIFF_SIGNIFICANCE_H
#define HEAPTAP_DIFF_SIGNIFICANCE_H

#include <stdbool.h>
#include <stddef.h>

#include "diff/estimate.h"

enum significance_test {
    SIGNIFICANCE_UNKNOWN,     /* samples could not be read back: no interval, no verdict; p and q are NAN */
    SIGNIFICANCE_EXACT,       /* neither side has an error: any change is one */
    SIGNIFICANCE_COUNTS,      /* two independent estimates */
    SIGNIFICANCE_PROCESS,     /* the same process: what came against what went */
    SIGNIFICANCE_GROWTH,      /* the same process, allocations: one estimate of what came; what was seen is certain */
    SIGNIFICANCE_RUNS_EXACT,  /* several runs a side: Mann and Whitney, all orders counted */
    SIGNIFICANCE_RUNS_NORMAL, /* the same, normal approximation with ties and continuity */
};

struct significance {
    enum significance_test test;
    double delta;     /* new - old; of runs the median of all differences (Hodges and Lehmann) */
    double low, high; /* of the change; equal to delta where it is exact, infinite where nothing is known */
    double p;         /* two-sided */
    double least_p;   /* the smallest p that as many samples could have given, however they fell on the sides */
    /* What was compared, for the reader who wants to check: of COUNTS the two sides, of PROCESS and GROWTH what came
     * (`more`) and what went (`less`). */
    struct estimate less, more;
    double less_count, more_count; /* value / weight of one sample: the counts of the test; runs: of each side */
};

/* `confidence` of the interval, 0.95 for instance; 0: no interval, and a quarter of the time. */
struct significance significance_of_two(const struct estimate *old, const struct estimate *new, double confidence);

enum significance_view { SIGNIFICANCE_INUSE, SIGNIFICANCE_ALLOC };

/* One row in two profiles of one process, the older first; all four in the same unit, as in the files. */
struct significance_process {
    struct estimate inuse_old, inuse_new, alloc_old, alloc_new;
    double scale_old, scale_new; /* of normalization; 1 */
};

struct significance significance_of_process(const struct significance_process *row, enum significance_view view,
                                            double confidence);

/* A row's value in each run. Below about four runs a side no order is improbable enough: see least_p. */
struct significance significance_of_runs(const double *old, size_t old_count, const double *new, size_t new_count,
                                         double confidence);

/* Benjamini and Hochberg 1995: q[i] is the smallest rate of false discoveries at which row i is one. A row has changed
 * when q[i] <= 1 - confidence. Rows whose least_p is above `level` = 1 - confidence cannot be discoveries, whatever
 * they hold, and do not count among the rows (Gilbert 2005); nor do rows without a p (NAN), which get NAN. False: no
 * memory. */
bool significance_adjust(const double *p, const double *least_p, double *q, size_t count, double level);

/* "conditional test of two counts", for --explain. */
const char *significance_test_name(enum significance_test test);

#endif
