/* Decimal fractions are kept as integers in millionths, so "1.5MiB" is exact and no floating point library is
 * needed inside malloc. Locks, allocation: none. */
#include "base/units.h"

#include <string.h>

#include "base/log.h"

enum { FRACTION_DIGITS = 6, FRACTION_ONE = 1000000 };

struct decimal {
    uint64_t whole;
    uint64_t millionths;
};

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* Reads digits with an optional fraction at *text and moves past it. */
static bool parse_decimal(const char **text, struct decimal *out) {
    const char *p = *text;
    out->whole = out->millionths = 0;
    if (!is_digit(*p))
        return false;
    for (; is_digit(*p); p++)
        if (__builtin_mul_overflow(out->whole, 10, &out->whole) ||
            __builtin_add_overflow(out->whole, (uint64_t)(*p - '0'), &out->whole))
            return false;
    if (*p == '.') {
        if (!is_digit(*++p))
            return false;
        uint64_t place = FRACTION_ONE / 10;
        for (; is_digit(*p); p++, place /= 10)
            out->millionths += (uint64_t)(*p - '0') * place;
    }
    *text = p;
    return true;
}

static bool scale(struct decimal value, uint64_t unit, uint64_t *out) {
    uint64_t whole;
    if (__builtin_mul_overflow(value.whole, unit, &whole))
        return false;
    uint64_t part = unit / FRACTION_ONE * value.millionths + unit % FRACTION_ONE * value.millionths / FRACTION_ONE;
    return !__builtin_add_overflow(whole, part, out);
}

/* Whether `text` is `unit` in letters of either case. Not strcasecmp, which brings pages of the locale's tables into a
 * process that may need them for nothing else. */
static bool is_unit(const char *text, const char *unit) {
    while (*unit && (*text | 0x20) == *unit)
        text++, unit++;
    return !*unit && !*text;
}

bool units_parse_bytes(const char *text, uint64_t *bytes) {
    static const char letters[] = "KMGT";
    struct decimal value;
    if (!text || !parse_decimal(&text, &value))
        return false;
    uint64_t unit = 1;
    for (int i = 0; *text && letters[i]; i++) {
        if ((*text & ~0x20) == letters[i]) {
            unit = 1ull << (10 * (i + 1));
            text++;
            break;
        }
    }
    if (unit > 1 && is_unit(text, "ib"))
        text += 2;
    else if (unit > 1 && is_unit(text, "i"))
        text += 1;
    else if (is_unit(text, "b"))
        text += 1;
    return !*text && (unit > 1 || !value.millionths) && scale(value, unit, bytes);
}

static bool parse_duration_unit(const char **text, uint64_t *unit) {
    static const struct {
        char name[4];
        uint64_t nanoseconds;
    } units[] = {{"ns", 1},
                 {"us", 1000},
                 {"ms", 1000000},
                 {"s", 1000000000},
                 {"m", 60000000000},
                 {"h", 3600000000000ull},
                 {"d", 86400000000000ull}};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        size_t length = strlen(units[i].name);
        if (strncmp(*text, units[i].name, length) != 0)
            continue;
        char after = (*text)[length];
        if (is_digit(after) || !after) {
            *text += length;
            *unit = units[i].nanoseconds;
            return true;
        }
    }
    return false;
}

bool units_parse_duration(const char *text, int64_t *nanoseconds) {
    uint64_t total = 0;
    if (text && strcmp(text, "0") == 0) {
        *nanoseconds = 0;
        return true;
    }
    if (!text || !*text)
        return false;
    while (*text) {
        struct decimal value;
        uint64_t unit, part;
        if (!parse_decimal(&text, &value) || !parse_duration_unit(&text, &unit) || !scale(value, unit, &part) ||
            __builtin_add_overflow(total, part, &total) || total > INT64_MAX)
            return false;
    }
    *nanoseconds = (int64_t)total;
    return true;
}

static uint64_t round_quotient(uint64_t bytes, uint64_t power, uint64_t unit) {
    return (uint64_t)(((unsigned __int128)bytes * power + unit / 2) / unit);
}

char *units_format_bytes(char *out, size_t size, uint64_t bytes) {
    static const char *const names[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    unsigned i = 0;
    while (i < 4 && bytes >> (10 * (i + 1)))
        i++;
    uint64_t unit = 1ull << (10 * i);
    if (bytes % unit == 0) {
        log_format(out, size, "%lu%s", (unsigned long)(bytes / unit), names[i]);
        return out;
    }
    /* Two places, one, or none: as few as leave three digits after rounding. */
    uint64_t power = 100, rounded;
    while ((rounded = round_quotient(bytes, power, unit)) >= 1000 && power > 1)
        power /= 10;
    unsigned long high = rounded / power, low = rounded % power;
    if (power == 1)
        log_format(out, size, "%lu%s", high, names[i]);
    else
        log_format(out, size, power == 100 && low < 10 ? "%lu.0%lu%s" : "%lu.%lu%s", high, low, names[i]);
    return out;
}
