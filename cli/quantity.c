/* Numbers are brought to [1, 1000) of a unit in double: 53 bits are plenty for three digits. Rounding may
 * carry
 * ("999.6" -> "1000"), so the number of places is chosen by the rounded value. Locks, allocation: none. */
#include "cli/quantity.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/wrap.h"

enum { EXACT_COUNT = 9999 };

enum quantity_kind quantity_kind_of(const char *unit) {
    if (strcmp(unit, "bytes") == 0 || strcmp(unit, "byte") == 0)
        return QUANTITY_BYTES;
    return strcmp(unit, "nanoseconds") == 0 ? QUANTITY_NANOSECONDS : QUANTITY_COUNT;
}

static const struct {
    const char *names[7];
    double step;
    uint64_t exact; /* up to here the number itself is written */
} scales[] = {
    [QUANTITY_COUNT] = {{"", "k", "M", "G", "T", "P", "E"}, 1000, EXACT_COUNT},
    [QUANTITY_BYTES] = {{"", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"}, 1024, 1023},
    [QUANTITY_NANOSECONDS] = {{"ns", "us", "ms", "s", "s", "s", "s"}, 1000, 999},
};

static int count_places(double value) { return value < 9.995 ? 2 : value < 99.95 ? 1 : 0; }

char *quantity_format(char out[QUANTITY_SIZE], enum quantity_kind kind, int64_t value, bool with_sign) {
    uint64_t size = wrap_magnitude(value);
    const char *sign = value < 0 ? "-" : with_sign && value > 0 ? "+" : "";
    if (size <= scales[kind].exact) {
        snprintf(out, QUANTITY_SIZE, "%s%lu%s", sign, (unsigned long)size, size ? scales[kind].names[0] : "");
        return out;
    }
    int last = kind == QUANTITY_NANOSECONDS ? 3 : 6, unit = 0;
    double scaled = (double)size;
    while (unit < last && scaled >= scales[kind].step - 0.5) {
        scaled /= scales[kind].step;
        unit++;
    }
    bool is_whole = kind == QUANTITY_BYTES && scaled == floor(scaled) && scaled >= 10;
    snprintf(out, QUANTITY_SIZE, "%s%.*f%s", sign, is_whole ? 0 : count_places(scaled), scaled,
             scales[kind].names[unit]);
    return out;
}

char *quantity_change(char out[QUANTITY_SIZE], int64_t before, int64_t after) {
    double change = ((double)after - (double)before) / fabs((double)before) * 100;
    if (before == after)
        out[0] = 0;
    else if (!before || !after)
        strcpy(out, before ? "[DEL]" : "[NEW]");
    else if (fabs(change) >= 99999.5)
        strcpy(out, change > 0 ? ">+99999%" : "<-99999%");
    else
        snprintf(out, QUANTITY_SIZE, "%+.*f%%", fabs(change) < 9.95 ? 1 : 0, change);
    return out;
}

char *quantity_estimate(char out[QUANTITY_SIZE], double value) {
    out[0] = 0;
    if (isfinite(value))
        snprintf(out, QUANTITY_SIZE, fabs(value) >= 1000 && fabs(value) < 1e18 ? "%.0f" : "%.6g", value);
    return out;
}

char *quantity_share(char out[QUANTITY_SIZE], int64_t part, int64_t whole) {
    out[0] = 0;
    if (whole)
        snprintf(out, QUANTITY_SIZE, "%.*f%%", part == whole ? 0 : 1, (double)part / (double)whole * 100);
    return out;
}

char *quantity_duration(char out[QUANTITY_SIZE], int64_t nanoseconds) {
    int64_t seconds = (nanoseconds + (nanoseconds < 0 ? -500000000 : 500000000)) / 1000000000;
    if (nanoseconds > -1000000000 && nanoseconds < 1000000000)
        return quantity_format(out, QUANTITY_NANOSECONDS, nanoseconds, false);
    const char *sign = seconds < 0 ? "-" : "";
    seconds = seconds < 0 ? -seconds : seconds;
    long days = (long)(seconds / 86400), hours = (long)(seconds / 3600 % 24), minutes = (long)(seconds / 60 % 60);
    if (days)
        snprintf(out, QUANTITY_SIZE, "%s%ldd %ldh", sign, days, hours);
    else if (hours)
        snprintf(out, QUANTITY_SIZE, "%s%ldh %ldm", sign, hours, minutes);
    else if (minutes)
        snprintf(out, QUANTITY_SIZE, "%s%ldm %lds", sign, minutes, (long)(seconds % 60));
    else
        snprintf(out, QUANTITY_SIZE, "%s%lds", sign, (long)seconds);
    return out;
}
