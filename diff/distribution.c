/* Incomplete gamma and beta functions by their classical expansions, with a shape that stays accurate for parameters
 * from 1e-3 to 1e15: an almost exact row has as many effective counts.
 *
 * What both have in front is a density, which is computed as Loader did (2000, Fast and accurate computation of
 * binomial probabilities): the deviance from the mode, and the errors of Stirling's formula. No logarithms of large
 * factorials are subtracted from each other.
 *
 *   gamma   series below the mode, Lentz's continued fraction above (DLMF 8.7.1, 8.9.2); from shape 1e4 on Temme's
 *           uniform expansion (DLMF 8.12)
 *   beta    the continued fraction of DiDonato and Morris (1992, algorithm 708) by Lentz's method, below the mode;
 * where both parameters are above 1e4, Temme's expansion (DLMF 8.18(ii))
 *
 * Quantiles start from an approximation (Abramowitz and Stegun 26.2.23, Wilson and Hilferty 1931) and are corrected by
 * Newton's method. */
#include "diff/distribution.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>

static const double large_shape = 1e4;
static const double half_log_two_pi = 0.91893853320467274178;

enum { ITERATIONS_MOST = 5000 };

double distribution_normal(double x) { return erfc(-x * M_SQRT1_2) / 2; }

static double normal_density(double x) { return exp(-x * x / 2 - half_log_two_pi); }

double distribution_normal_quantile(double probability) {
    double tail = probability < 0.5 ? probability : 1 - probability;
    double t = sqrt(-2 * log(tail));
    double x = (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308))) - t;
    for (int i = 0; i < 3; i++) {
        double step = (distribution_normal(x) - tail) / normal_density(x);
        x -= step / (1 + x * step / 2); /* Halley: the second derivative is -x times the first */
    }
    return probability < 0.5 ? x : -x;
}

/* m - log(ratio), where m = ratio - 1, without cancellation: each is given, and used where it is the accurate one. */
static double deviance(double ratio, double m) {
    if (fabs(m) > 0.1)
        return m - log(ratio);
    double term = m * m, sum = term / 2;
    for (int i = 3; i < 20; i++) {
        term *= -m;
        sum += term / i;
    }
    return sum;
}

/* log gamma(z) less Stirling's formula for it. */
static double stirling_error(double z) {
    if (z < 16)
        return lgamma(z) - (z - 0.5) * log(z) + z - half_log_two_pi;
    double square = z * z;
    return (1.0 / 12 - (1.0 / 360 - (1.0 / 1260 - 1.0 / 1680 / square) / square) / square) / z;
}

/* x^shape e^-x / gamma(shape). */
static double gamma_front(double shape, double x) {
    double exponent = -shape * deviance(x / shape, (x - shape) / shape) - stirling_error(shape);
    return sqrt(shape) * exp(exponent - half_log_two_pi);
}

static double gamma_by_series(double shape, double x) {
    double term = 1 / shape, sum = term;
    for (int i = 1; i < ITERATIONS_MOST && term > sum * DBL_EPSILON; i++) {
        term *= x / (shape + i);
        sum += term;
    }
    return gamma_front(shape, x) * sum;
}

/* Rounding may leave a part below 0 or above the whole. */
static double as_probability(double value) { return fmax(0, fmin(1, value)); }

static double no_zero(double value) { return fabs(value) < 1e-300 ? 1e-300 : value; }

static double gamma_upper_by_fraction(double shape, double x) {
    double b = x + 1 - shape, c = 1e300, d = 1 / no_zero(b), product = d;
    for (int i = 1; i < ITERATIONS_MOST; i++) {
        double a = -i * (i - shape);
        b += 2;
        d = 1 / no_zero(a * d + b);
        c = no_zero(b + a / c);
        product *= d * c;
        if (fabs(d * c - 1) < DBL_EPSILON)
            break;
    }
    return gamma_front(shape, x) * product;
}

/* Q - erfc(eta sqrt(shape / 2)) / 2: the terms of 1 and 1 / shape. */
static double gamma_upper_correction(double shape, double m, double eta) {
    double first, second;
    if (fabs(eta) > 0.05) {
        first = 1 / m - 1 / eta;
        second = 1 / (eta * eta * eta) - 1 / (m * m * m) - 1 / (m * m) - 1 / (12 * m);
    } else {
        first = -1.0 / 3 + eta * (1.0 / 12 - eta * (2.0 / 135 - eta * (1.0 / 864 + eta / 2835)));
        second = -1.0 / 540 - eta / 288;
    }
    return exp(-shape * eta * eta / 2 - half_log_two_pi) / sqrt(shape) * (first + second / shape);
}

/* Of a large shape: the part below x, or the one above. */
static double gamma_of_large_shape(double shape, double x, bool upper) {
    double m = (x - shape) / shape;
    double eta = copysign(sqrt(2 * deviance(x / shape, m)), m);
    double z = eta * sqrt(shape), correction = gamma_upper_correction(shape, m, eta);
    return as_probability(upper ? distribution_normal(-z) + correction : distribution_normal(z) - correction);
}

double distribution_gamma(double shape, double x) {
    if (!(x > 0))
        return 0;
    if (isinf(x))
        return 1;
    if (shape > large_shape)
        return gamma_of_large_shape(shape, x, false);
    return as_probability(x < shape + 1 ? gamma_by_series(shape, x) : 1 - gamma_upper_by_fraction(shape, x));
}

double distribution_gamma_upper(double shape, double x) {
    if (!(x > 0))
        return 1;
    if (isinf(x))
        return 0;
    if (shape > large_shape)
        return gamma_of_large_shape(shape, x, true);
    return as_probability(x < shape + 1 ? 1 - gamma_by_series(shape, x) : gamma_upper_by_fraction(shape, x));
}

/* Wilson and Hilferty: the cube root of a gamma variate is nearly normal. Near 0 the density is a power. */
static double gamma_quantile_guess(double shape, double probability) {
    double z = distribution_normal_quantile(probability);
    double root = 1 - 1 / (9 * shape) + z / (3 * sqrt(shape));
    double guess = root > 0 ? shape * root * root * root : 0;
    double power = exp((log(probability) + lgamma(shape + 1)) / shape);
    return shape < 1 || guess < 0.1 * shape ? power : guess;
}

/* Newton's method on log P, or log Q where that is the small one, as functions of log x: both are concave. */
double distribution_gamma_quantile(double shape, double probability) {
    bool upper = probability > 0.5;
    double target = upper ? 1 - probability : probability;
    double x = gamma_quantile_guess(shape, probability);
    for (int i = 0; i < 50; i++) {
        double at = upper ? distribution_gamma_upper(shape, x) : distribution_gamma(shape, x);
        double slope = gamma_front(shape, x) / at; /* of log P in log x; of log Q it is the negative */
        double step = (upper ? -1 : 1) * log(target / at) / slope;
        if (!isfinite(step))
            break;
        x *= exp(fmax(-2, fmin(2, step)));
        if (fabs(step) < 1e-7)
            break; /* the error is its square now */
    }
    return x;
}

double distribution_chi2_quantile(double degrees, double probability) {
    return 2 * distribution_gamma_quantile(degrees / 2, probability);
}

/* How far x is from the mode a / (a + b): the deviance of a binomial, for one trial. */
static double beta_deviance(double x, double y, double a, double b) {
    double share_a = a / (a + b), share_b = b / (a + b);
    double off = x < y ? x - share_a : share_b - y;
    return share_a * deviance(x / share_a, off / share_a) + share_b * deviance(y / share_b, -off / share_b);
}

/* x^a y^b / B(a, b). */
static double beta_front(double x, double y, double a, double b) {
    double exponent = -(a + b) * beta_deviance(x, y, a, b) + stirling_error(a + b) - stirling_error(a) -
                      stirling_error(b) - half_log_two_pi;
    return sqrt(a / (a + b) * b) * exp(exponent);
}

/* For x below the mode. The terms are in the distance from it, (a + b) y - b, which a large a does not cancel. */
static double beta_by_fraction(double x, double y, double a, double b) {
    double distance = x < y ? a - (a + b) * x : (a + b) * y - b;
    double c = 1e300, d = (a + 1) / a / no_zero(distance + 1), product = d;
    for (int n = 1; n < ITERATIONS_MOST; n++) {
        double across = n * (b - n) * x / (a + 2 * n - 1);
        double numerator = (a + n - 1) * (a + b + n - 1) * across * (x / (a + 2 * n - 1));
        double denominator = n + across + (a + n) / (a + 2 * n + 1) * (distance + 1 + n * (1 + y));
        d = 1 / no_zero(numerator * d + denominator);
        c = no_zero(denominator + numerator / c);
        product *= d * c;
        if (fabs(d * c - 1) < DBL_EPSILON)
            break;
    }
    return beta_front(x, y, a, b) * product;
}

static double beta_of_large(double x, double y, double a, double b) {
    double total = a + b, share_a = a / total, share_b = b / total;
    double off = x < y ? x - share_a : share_b - y;
    double root = sqrt(2 * beta_deviance(x, y, a, b)), eta = copysign(root, off);
    double width = sqrt(share_a * share_b);
    /* Near the mode the difference of the two reciprocals is its limit. */
    double correction = root < 1e-6 ? (share_b - share_a) / (3 * width) : 1 / eta - width / off;
    double density = exp(-total * root * root / 2 - half_log_two_pi) / sqrt(total);
    return distribution_normal(eta * sqrt(total)) + density * correction;
}

double distribution_beta(double x, double y, double a, double b) {
    if (!(x > 0))
        return 0;
    if (!(y > 0))
        return 1;
    if (a > large_shape && b > large_shape)
        return as_probability(beta_of_large(x, y, a, b));
    bool is_below = x < y ? (a + b) * x <= a : (a + b) * y >= b;
    return as_probability(is_below ? beta_by_fraction(x, y, a, b) : 1 - beta_by_fraction(y, x, b, a));
}
