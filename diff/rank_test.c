/* 1. Sort all numbers, give each its rank, equal ones the mean of theirs; U follows from the sum of the second group's.
 * 2. Count how many ways there are to choose the second group's ranks with each sum:
 *      without ties  the coefficients of the Gaussian binomial of q, the product over i of (1 - q^(n+i)) / (1 - q^i);
 *                    one multiplication and one division by a binomial each, on whole numbers below 2^53;
 *      with ties     one number after the other is taken or not, over twice the ranks, which are whole numbers.
 * 3. p is twice the smaller tail. The interval of the shift is cut from the sorted differences at the same counts. */
#include "diff/rank_test.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "diff/distribution.h"

enum { EXACT_MOST = 50, EXACT_TIED_MOST = 24 };

struct ranked {
    double value;
    bool is_second;
};

struct ranks {
    size_t m, n;                     /* first, second */
    size_t doubled[EXACT_TIED_MOST]; /* twice each rank, while there are as few */
    double second_sum;
    double tied; /* sum of t^3 - t over the groups of equal ones */
};

static int by_value(const void *a, const void *b) {
    const struct ranked *left = a, *right = b;
    return (left->value > right->value) - (left->value < right->value);
}

static int by_number(const void *a, const void *b) {
    const double *left = a, *right = b;
    return (*left > *right) - (*left < *right);
}

static void rank_all(struct ranked *all, struct ranks *ranks) {
    size_t count = ranks->m + ranks->n;
    qsort(all, count, sizeof *all, by_value);
    for (size_t first = 0, end; first < count; first = end) {
        for (end = first + 1; end < count && all[end].value == all[first].value;)
            end++;
        double equal = (double)(end - first);
        ranks->tied += equal * equal * equal - equal;
        for (size_t i = first; i < end; i++) {
            ranks->second_sum += all[i].is_second ? (double)(first + 1 + end) / 2 : 0;
            if (count <= EXACT_TIED_MOST)
                ranks->doubled[i] = first + 1 + end;
        }
    }
}

/* ways[u] for u from 0 to m n. */
static double *count_ways(size_t m, size_t n) {
    size_t top = m * n;
    double *ways = calloc(top + 1, sizeof *ways);
    if (!ways)
        return NULL;
    ways[0] = 1;
    for (size_t i = 1; i <= m; i++) {
        for (size_t u = top + 1; u-- > n + i;)
            ways[u] -= ways[u - n - i];
        for (size_t u = i; u <= top; u++)
            ways[u] += ways[u - i];
    }
    return ways;
}

/* ways[s]: of choosing n of the ranks with the doubled sum s; *top is the largest. */
static double *count_tied_ways(const struct ranks *ranks, size_t *top) {
    size_t count = ranks->m + ranks->n;
    *top = 0;
    for (size_t i = 0; i < count; i++)
        *top += ranks->doubled[i];
    size_t row = *top + 1;
    double *ways = calloc(row * (ranks->n + 1), sizeof *ways);
    if (!ways)
        return NULL;
    ways[0] = 1;
    for (size_t i = 0; i < count; i++)
        for (size_t taken = ranks->n; taken > 0; taken--)
            for (size_t sum = ranks->doubled[i]; sum <= *top; sum++)
                ways[taken * row + sum] += ways[(taken - 1) * row + sum - ranks->doubled[i]];
    memmove(ways, ways + ranks->n * row, row * sizeof *ways);
    return ways;
}

static double two_sided(const double *ways, size_t top, size_t at) {
    double below = 0, above = 0, all = 0;
    for (size_t i = 0; i <= top; i++) {
        all += ways[i];
        below += i <= at ? ways[i] : 0;
        above += i >= at ? ways[i] : 0;
    }
    return fmin(1, 2 * fmin(below, above) / all);
}

static double variance_of_u(const struct ranks *ranks) {
    double m = (double)ranks->m, n = (double)ranks->n, count = m + n;
    return m * n / 12 * (count + 1 - ranks->tied / (count * (count - 1)));
}

static double normal_p(const struct ranks *ranks, double u) {
    double variance = variance_of_u(ranks);
    double off = fabs(u - (double)ranks->m * (double)ranks->n / 2) - 0.5;
    if (!(variance > 0) || off <= 0)
        return 1;
    return 2 * distribution_normal(-off / sqrt(variance));
}

/* Two over the number of orders. */
static double least_p_of(size_t m, size_t n) {
    double count = (double)(m + n);
    return fmin(1, 2 * exp(lgamma((double)m + 1) + lgamma((double)n + 1) - lgamma(count + 1)));
}

static bool find_p(const struct ranks *ranks, struct rank_test *result) {
    size_t count = ranks->m + ranks->n, top = ranks->m * ranks->n, at = 0;
    double *ways;
    result->is_exact = count <= (ranks->tied > 0 ? EXACT_TIED_MOST : EXACT_MOST);
    if (!result->is_exact) {
        result->p = normal_p(ranks, result->u);
        return true;
    }
    if (ranks->tied > 0) {
        ways = count_tied_ways(ranks, &top);
        at = (size_t)(2 * ranks->second_sum + 0.5);
    } else {
        ways = count_ways(ranks->m, ranks->n);
        at = (size_t)(result->u + 0.5);
    }
    if (!ways)
        return false;
    result->p = two_sided(ways, top, at);
    free(ways);
    return true;
}

/* How many of the sorted differences are outside of the interval at each end; SIZE_MAX: even none is too many. */
static bool count_outside(size_t m, size_t n, double tail, size_t *outside) {
    *outside = SIZE_MAX;
    if (m + n > EXACT_MOST) {
        struct ranks ranks = {.m = m, .n = n};
        double at = (double)m * (double)n / 2 + distribution_normal_quantile(tail) * sqrt(variance_of_u(&ranks)) - 0.5;
        if (at >= 0)
            *outside = (size_t)at;
        return true;
    }
    double *ways = count_ways(m, n), all = 0, below = 0;
    if (!ways)
        return false;
    for (size_t u = 0; u <= m * n; u++)
        all += ways[u];
    /* The limits exclude what P(U <= u) <= tail speaks against. */
    for (size_t u = 0; u <= m * n && (below += ways[u]) <= tail * all; u++)
        *outside = u;
    free(ways);
    return true;
}

static bool find_shift(const double *first, size_t m, const double *second, size_t n, double confidence,
                       struct rank_test *result) {
    size_t count = m * n, outside = SIZE_MAX;
    double *differences = malloc(count * sizeof *differences);
    if (!differences)
        return false;
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++)
            differences[i * n + j] = second[j] - first[i];
    qsort(differences, count, sizeof *differences, by_number);
    result->shift = (differences[(count - 1) / 2] + differences[count / 2]) / 2;
    result->low = result->high = result->shift;
    bool done = confidence <= 0 || count_outside(m, n, (1 - confidence) / 2, &outside);
    if (done && confidence > 0) {
        bool is_possible = outside < (count + 1) / 2;
        result->low = is_possible ? differences[outside] : -INFINITY;
        result->high = is_possible ? differences[count - 1 - outside] : INFINITY;
    }
    free(differences);
    return done;
}

bool rank_test(const double *first, size_t first_count, const double *second, size_t second_count, double confidence,
               struct rank_test *result) {
    struct ranks ranks = {.m = first_count, .n = second_count};
    struct ranked *all = malloc((first_count + second_count) * sizeof *all);
    if (!all)
        return false;
    for (size_t i = 0; i < first_count + second_count; i++)
        all[i] = i < first_count ? (struct ranked){first[i], false} : (struct ranked){second[i - first_count], true};
    rank_all(all, &ranks);
    free(all);
    result->u = ranks.second_sum - (double)second_count * (double)(second_count + 1) / 2;
    result->least_p = least_p_of(first_count, second_count);
    return find_p(&ranks, result) && find_shift(first, first_count, second, second_count, confidence, result);
}
