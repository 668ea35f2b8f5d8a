/* Distribution functions and quantiles. Each says how accurate it is; tests/unit/test_distribution.c holds it to
 * reference values. Probabilities are of the lower tail where the name says nothing.
 *
 * Pure functions; nothing is allocated. */
#ifndef HEAPTAP_DIFF_DISTRIBUTION_H
#define HEAPTAP_DIFF_DISTRIBUTION_H

/* P(X < x) of a standard normal X, and its inverse for 0 < probability < 1. */
double distribution_normal(double x);
double distribution_normal_quantile(double probability);

/* P(X < x) of a gamma distribution with this shape > 0 and scale 1; _upper is P(X > x), accurate where it is small. */
double distribution_gamma(double shape, double x);
double distribution_gamma_upper(double shape, double x);
double distribution_gamma_quantile(double shape, double probability);

/* P(X < x) of a chi-squared distribution is distribution_gamma(degrees / 2, x / 2). */
double distribution_chi2_quantile(double degrees, double probability);

/* The regularized incomplete beta function I_x(a, b), a and b > 0, where x + y = 1. Both are given, since the
 * difference from 1 of the other is what counts near the ends. */
double distribution_beta(double x, double y, double a, double b);

#endif
