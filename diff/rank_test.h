/* Mann and Whitney's test (1947) of two groups of numbers: how often would as uneven an order come about if both groups
 * were draws from one distribution?
 *
 * U is the number of pairs in which the second group's number is the larger one; a tie is half a pair. Exact where all
 * orders can be counted: up to 50 numbers without ties, 24 with ties, whose ranks are then taken as they are. Else the
 * normal approximation, its variance corrected for ties, with half a step for continuity. */
#ifndef HEAPTAP_DIFF_RANK_TEST_H
#define HEAPTAP_DIFF_RANK_TEST_H

#include <stdbool.h>
#include <stddef.h>

struct rank_test {
    double u;
    double p;         /* two-sided */
    double least_p;   /* of groups of these sizes, if no number were in both and one group were all above the other */
    double shift;     /* the median of all differences second - first (Hodges and Lehmann 1963) */
    double low, high; /* of the shift; infinite where so few numbers allow no such interval */
    bool is_exact;
};

/* Both counts > 0. Takes memory for all pairs. `confidence` of the interval; 0: none, low = high = shift.
 * False: no memory. */
bool rank_test(const double *first, size_t first_count, const double *second, size_t second_count, double confidence,
               struct rank_test *result);

#endif
