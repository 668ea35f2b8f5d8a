/* The optimal string alignment distance, row by row of the usual table, with two rows kept for the swap of neighbours.
 * Locks: none. Allocates nothing. */
#include "cli/spelling.h"

#include <stdint.h>
#include <string.h>

enum { MOST = 32 };

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

size_t spelling_distance(const char *word, const char *name) {
    size_t rows[3][MOST], n = strlen(word), m = strlen(name);
    if (n >= MOST || m >= MOST)
        return SIZE_MAX;
    if (n >= 2 && n < m && memcmp(word, name, n) == 0)
        return 1;
    for (size_t j = 0; j <= m; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i + 2) % 3], *second = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            row[j] = least(least(above[j], row[j - 1]) + 1, above[j - 1] + (word[i - 1] != name[j - 1]));
            if (i > 1 && j > 1 && word[i - 1] == name[j - 2] && word[i - 2] == name[j - 1])
                row[j] = least(row[j], second[j - 2] + 1);
        }
    }
    return rows[n % 3][m];
}

int spelling_is_near(const char *word, size_t distance) { return distance <= (strlen(word) + 2) / 3; }
