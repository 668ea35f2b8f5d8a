/* The two functions of a real number that sampling needs. They are here because a preloaded library may bring
 * in the C library alone, and log() and expm1() live in libm. */
#ifndef HEAPTAP_PROFILER_ELEMENTARY_H
#define HEAPTAP_PROFILER_ELEMENTARY_H

/* Natural logarithm of a positive, normal number; the absolute error is below 1e-14 on (2^-53, 2^63). */
double elementary_log(double x);

/* 1 - exp(-x) for x >= 0; the relative error is below 1e-13, however small x is. */
double elementary_one_minus_exp(double x);

#endif
