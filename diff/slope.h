/* How fast a number rises, and how sure that is: the line through a row's values in many profiles.
 *
 * Two things keep the values from the line, and the interval is the wider of what each of them asks for.
 *
 *   the program   grows in steps, fills caches, has busy hours. The straight part of the series is measured against its
 *                 bends: values are projected on polynomials of the time that are orthogonal to each other and to the
 *                 level of each process. Whatever moves slowly moves them all alike, so the coefficient of the line
 * over the root mean square of the next `bends` coefficients is Student's t with as many degrees of freedom (Lazarus,
 * Lewis, Stock and Watson 2018 on such estimators; Müller and Watson 2008). With few files, all that is left after the
 * line is bends, and this is the t test of least squares. the samples   an object that is recorded is in every profile
 * of its life, so the errors of profiles hang together. An object that lives in the files i+1 to j moves the slope by
 * its bytes times lever[i] - lever[j], where lever[i] is the sum of the line's weights up to file i of the process:
 * nothing, if it lives in all of them. The files tell the variance V of what lives and that of what was allocated
 * between them, and so what was freed. What V has gained for good, its least from a time on, is taken for objects that
 *                 stay, each with the whole lever; the rest for objects that are freed at the rate of all frees, by
 *                 chance. docs/trend.md has the formulas and the coverage in simulations.
 *
 * Pure functions but for slope_plan_open, which allocates. */
#ifndef HEAPTAP_DIFF_SLOPE_H
#define HEAPTAP_DIFF_SLOPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SLOPE_MOST_BENDS = 16, SLOPE_MEMORIES = 5 };

/* What is the same for all rows of a set of files. */
struct slope_plan {
    size_t count;                   /* files, those of one process side by side and in the order of time */
    double *line;                   /* by file: the slope is the sum of line[i] * value[i] */
    double *lever;                  /* by file: the sum of `line` up to it, of its process */
    double *bend[SLOPE_MOST_BENDS]; /* by file: coefficients of the bends, in the unit of the slope */
    size_t bends;                   /* 0: too few files for an interval */
    /* By memory of the noise and bend: how much more of its variance is in the line; and the log of what is to be known
     * of the likelihood before the values are. */
    double ratio[SLOPE_MEMORIES][SLOPE_MOST_BENDS], evidence[SLOPE_MEMORIES];
    uint32_t *group;                    /* by file: number of its process */
    double mean_lever;                  /* the root mean square of `lever` over steps within a process */
    double confidence, normal, student; /* quantiles of the interval */
};

/* Weights: how much each file says, above 0; NULL = all the same. Groups: a number for each process. Slopes are in the
 * unit of the values over the unit of the times. False when there is no memory; slope_plan_close is due all the same.
 */
bool slope_plan_open(struct slope_plan *plan, const double *times, const double *weights, const uint32_t *groups,
                     size_t count, double confidence);
void slope_plan_close(struct slope_plan *plan);

/* One row; arrays by file. */
struct slope_series {
    const double *values;
    const double *variances; /* of the values by sampling; NULL = not known */
    const double *allocated; /* the same of all that was allocated since the start of the process; NULL = not known */
    double unseen;           /* what one sample more would have added; 0 = everything is recorded */
};

struct slope {
    double slope, low, high;
    double p;              /* two-sided */
    double least_p;        /* the smallest p that as many samples could have given */
    double scatter_error;  /* standard error by the bends */
    double sampling_error; /* by the samples */
};

struct slope slope_fit(const struct slope_plan *plan, const struct slope_series *series);

#endif
