/* Locks, allocation: none. */
#include "cli/sparkline.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { HEIGHTS = 8 };

static const char *const blocks[HEIGHTS] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
static const char *const letters[HEIGHTS] = {"_", ".", "-", "=", "+", "*", "%", "#"};

bool sparkline_has_blocks(void) {
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    const char *term = getenv("TERM"), *locale = NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names && !(locale && *locale); i++)
        locale = getenv(names[i]);
    if (!locale || (term && (strcmp(term, "dumb") == 0 || strcmp(term, "linux") == 0)))
        return false;
    return strcasestr(locale, "utf-8") || strcasestr(locale, "utf8");
}

static size_t find_cell(const int64_t *times, size_t count, size_t index, size_t cells, int64_t least, double span) {
    if (count <= cells || !(span > 0))
        return index * cells / count;
    double part = (double)(times[index] - least) / span * (double)cells;
    return part < (double)cells ? (size_t)part : cells - 1;
}

char *sparkline(char out[SPARKLINE_SIZE], const int64_t *values, const int64_t *times, size_t count, bool has_blocks) {
    double sums[SPARKLINE_CELLS] = {0}, most = -INFINITY, least = INFINITY;
    unsigned counts[SPARKLINE_CELLS] = {0};
    size_t cells = count < SPARKLINE_CELLS ? count : SPARKLINE_CELLS;
    int64_t first = INT64_MAX, last = INT64_MIN;
    for (size_t i = 0; i < count; i++) {
        first = times[i] < first ? times[i] : first;
        last = times[i] > last ? times[i] : last;
    }
    for (size_t i = 0; i < count; i++) {
        size_t cell = find_cell(times, count, i, cells, first, (double)last - (double)first);
        sums[cell] += (double)values[i];
        counts[cell]++;
    }
    for (size_t c = 0; c < cells; c++) {
        if (!counts[c])
            continue;
        sums[c] /= counts[c];
        most = fmax(most, sums[c]);
        least = fmin(least, sums[c]);
    }
    double range = fmax(most - least, fabs(most) / 10);
    out[0] = 0;
    for (size_t c = 0; c < cells; c++) {
        int height = range > 0 ? (int)((sums[c] - least) / range * (HEIGHTS - 1) + 0.5) : 0;
        strcat(out, !counts[c] ? " " : has_blocks ? blocks[height] : letters[height]);
    }
    return out;
}
