/* Sizes and durations as people write them. Powers of 1024 only: B, KiB, MiB, GiB, TiB; Ki, Mi, Gi, Ti and K,
 * M, G, T mean the same, in either case. Durations: ns, us, ms, s, m, h, d. No allocation, no locale. */
#ifndef HEAPTAP_BASE_UNITS_H
#define HEAPTAP_BASE_UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "512KiB" -> 524288; a bare number is bytes; fractions ("1.5MiB") are allowed. False for anything else. */
bool units_parse_bytes(const char *text, uint64_t *bytes);
/* "1m30s" -> nanoseconds; a bare number is refused (0 alone is allowed). False for anything else. */
bool units_parse_duration(const char *text, int64_t *nanoseconds);

/* "512KiB", "1.50MiB": exact where it is a whole multiple, else three significant digits. Returns `out`. */
char *units_format_bytes(char *out, size_t size, uint64_t bytes);

#endif
