/* A series as a line of text: one character a cell, as high as its mean. */
#ifndef HEAPTAP_CLI_SPARKLINE_H
#define HEAPTAP_CLI_SPARKLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SPARKLINE_CELLS = 12, SPARKLINE_SIZE = SPARKLINE_CELLS * 3 + 1 };

/* Whether blocks can be shown: a locale of UTF-8, and a terminal that has them. */
bool sparkline_has_blocks(void);

/* Up to SPARKLINE_CELLS values are a cell each; more are put together by time, and a cell without one is a space.
 * Heights are from the least to the greatest cell, or a tenth of the greatest if that is more. Returns `out`. */
char *sparkline(char out[SPARKLINE_SIZE], const int64_t *values, const int64_t *times, size_t count, bool has_blocks);

#endif
