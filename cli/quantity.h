/* Values of a profile as a table shows them: three significant digits and a unit, the exact number where it
 * is short. bytes        0  512  12.1Ki  640Ki  1.25Mi   (powers of 1024) nanoseconds  0  512ns  1.5ms  12.1s
 * (powers of 1000) others       0  9999  12.3k  1.25M           (powers of 1000) */
#ifndef HEAPTAP_CLI_QUANTITY_H
#define HEAPTAP_CLI_QUANTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum quantity_kind { QUANTITY_COUNT, QUANTITY_BYTES, QUANTITY_NANOSECONDS };
enum { QUANTITY_SIZE = 24 };

/* From a sample type's unit: "bytes", "nanoseconds", anything else. */
enum quantity_kind quantity_kind_of(const char *unit);
/* `with_sign` writes '+' before what is greater than 0. Returns `out`. */
char *quantity_format(char out[QUANTITY_SIZE], enum quantity_kind kind, int64_t value, bool with_sign);
/* Change in per cent of what was: "+62%", "-0.4%", "[NEW]", "[DEL]", "" for no change. */
char *quantity_change(char out[QUANTITY_SIZE], int64_t before, int64_t after);
/* For programs: an estimate with no more digits than it can have, units above 1000 whole; "" where it is not finite. */
char *quantity_estimate(char out[QUANTITY_SIZE], double value);
/* Share in per cent: "61.9%"; "" of nothing. */
char *quantity_share(char out[QUANTITY_SIZE], int64_t part, int64_t whole);
/* "5m 0s", "250ms"; a duration for people. */
char *quantity_duration(char out[QUANTITY_SIZE], int64_t nanoseconds);

#endif
