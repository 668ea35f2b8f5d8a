/* log x: x = m 2^e with m in [sqrt(1/2), sqrt(2)); log m = 2 atanh(s), s = (m - 1) / (m + 1), |s| <= 0.1716.
 * The series of atanh is cut after s^21: what is left out is below 2 s^23 / 23 < 1e-18.
 *
 * 1 - exp(-x): 1. halve x until it is at most 1/2;  2. Taylor's series there, 16 terms: the rest is below
 * 2^-17 / 17! < 1e-19;  3. undo each halving by 1 - e^-2y = q (2 - q), where q = 1 - e^-y: no subtraction of
 * nearly equal numbers, so the error grows by a rounding a step.
 *
 * Locks: none. Allocation: none. */
#include "profiler/elementary.h"

#include <stdint.h>
#include <string.h>

#define LN2_HIGH 0x1.62e42fefa38p-1 /* the first 42 bits: times an exponent it is exact */
#define LN2_LOW  0x1.ef35793c7673p-45
#define SQRT2    1.4142135623730951

double elementary_log(double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    int exponent = (int)(bits >> 52) - 1023;
    bits = (bits & 0x000fffffffffffffull) | 0x3ff0000000000000ull;
    double m;
    memcpy(&m, &bits, sizeof m);
    if (m > SQRT2) {
        m /= 2;
        exponent++;
    }
    double s = (m - 1) / (m + 1);
    double z = s * s;
    double sum = 0;
    for (int n = 21; n >= 1; n -= 2)
        sum = sum * z + 1.0 / n;
    return exponent * LN2_HIGH + (2 * s * sum + exponent * LN2_LOW);
}

double elementary_one_minus_exp(double x) {
    int halvings = 0;
    if (x > 40)
        return 1; /* e^-40 is below half a unit of the last place */
    for (; x > 0.5; halvings++)
        x /= 2;
    double q = 0;
    for (int n = 16; n >= 1; n--)
        q = x / n * (1 - q);
    for (; halvings; halvings--)
        q *= 2 - q;
    return q;
}
