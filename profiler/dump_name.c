/* The date is computed here, since gmtime_r takes the time zone's lock and may read files.
 *
 * Locks: none. Allocation: none. */
#include "profiler/dump_name.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/os.h"

/* Gregorian date of a day counted from 1970-01-01, by eras of 400 years that begin on a first of March. */
static void civil_date(int64_t days, int *year, int *month, int *day) {
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int of_era = (int)(days - era * 146097);
    int year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int from_march = (5 * of_year + 2) / 153;
    *day = of_year - (153 * from_march + 2) / 5 + 1;
    *month = from_march < 10 ? from_march + 3 : from_march - 9;
    *year = (int)(era * 400) + year_of_era + (*month <= 2);
}

static const char *two_digits(char out[3], int value) {
    out[0] = (char)('0' + value / 10 % 10);
    out[1] = (char)('0' + value % 10);
    out[2] = '\0';
    return out;
}

static void format_time(char *out, size_t size, int64_t nanoseconds) {
    int64_t seconds = nanoseconds / 1000000000;
    int64_t days = seconds / 86400;
    int rest = (int)(seconds - days * 86400), year, month, day;
    char m[3], d[3], h[3], min[3], s[3];
    civil_date(days, &year, &month, &day);
    log_format(out, size, "%d%s%sT%s%s%sZ", year, two_digits(m, month), two_digits(d, day), two_digits(h, rest / 3600),
               two_digits(min, rest / 60 % 60), two_digits(s, rest % 60));
}

static const char *value_of(char letter, const struct dump_name *name, char *buffer, size_t size) {
    switch (letter) {
    case 'p':
        log_format(buffer, size, "%d", name->pid);
        return buffer;
    case 'n':
        log_format(buffer, size, "%lu", (unsigned long)name->sequence);
        return buffer;
    case 't':
        format_time(buffer, size, name->time);
        return buffer;
    case 'h':
        return name->host;
    case 'e':
        return name->program;
    case 'r':
        return name->reason;
    case '%':
        return "%";
    default:
        return NULL;
    }
}

bool dump_name_expand(char *out, size_t size, const char *pattern, const struct dump_name *name) {
    size_t length = 0;
    for (const char *p = pattern; *p; p++) {
        char buffer[64] = {*p, '\0'};
        const char *value = buffer;
        bool is_value = *p == '%';
        if (is_value && !(value = value_of(*++p, name, buffer, sizeof buffer)))
            return false;
        for (; *value; value++) {
            if (length + 1 >= size)
                return false;
            out[length++] = is_value && *value == '/' ? '_' : *value;
        }
    }
    out[length] = '\0';
    return length > 0;
}

bool dump_name_expand_own(char *out, size_t size, const char *pattern, uint64_t sequence, const char *reason) {
    char host[HOST_NAME_MAX + 1] = "";
    gethostname(host, sizeof host - 1);
    struct dump_name name = {.pid = getpid(),
                             .sequence = sequence,
                             .time = os_wall_time(),
                             .host = host,
                             .program = program_invocation_short_name,
                             .reason = reason};
    return dump_name_expand(out, size, pattern, &name);
}
