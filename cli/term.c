/* Locks: none. Allocates nothing. */
#include "cli/term.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/columns.h"

enum { LEAST_WIDTH = 40 };

static unsigned find_width(int fd) {
    struct winsize size;
    const char *columns = getenv("COLUMNS");
    unsigned width = ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
    if (columns && *columns >= '1' && *columns <= '9')
        width = (unsigned)strtoul(columns, NULL, 10);
    return width && width < LEAST_WIDTH ? LEAST_WIDTH : width;
}

struct term term_open(int fd, enum term_color color) {
    struct term term = {.is_tty = isatty(fd)};
    const char *name = getenv("TERM"), *no_color = getenv("NO_COLOR");
    bool is_dumb = !name || !*name || strcmp(name, "dumb") == 0;
    if (term.is_tty)
        term.width = find_width(fd);
    term.has_isolates = term.is_tty && !is_dumb && strcmp(name, "linux") != 0;
    term.has_color =
        color == TERM_COLOR_ALWAYS || (color == TERM_COLOR_AUTO && term.is_tty && !is_dumb && !(no_color && *no_color));
    return term;
}

/* "<anything>" -> "<..>" for the last outermost pair that is longer than that; false when there is none left.
 * The names of operators (operator<, operator->) hold brackets without partner, which ends the search. */
static bool drop_arguments(char *text) {
    char *best_open = NULL, *best_close = NULL, *open = NULL;
    int depth = 0;
    for (char *p = text; *p; p++) {
        if (*p == '<' && depth++ == 0)
            open = p;
        if (*p != '>' || (p > text && p[-1] == '-'))
            continue;
        if (depth == 0)
            break;
        if (--depth == 0 && p - open > 3) {
            best_open = open;
            best_close = p;
        }
    }
    if (!best_open)
        return false;
    best_open[1] = best_open[2] = '.';
    memmove(best_open + 3, best_close, strlen(best_close) + 1);
    return true;
}

size_t term_shorten(char *text, size_t most) {
    size_t columns;
    while ((columns = columns_count(text)) > most)
        if (!drop_arguments(text))
            break;
    return columns <= most || most < 8 ? columns : term_cut(text, most);
}

size_t term_cut(char *text, size_t most) {
    size_t columns = columns_count(text);
    if (columns <= most || most < 8)
        return columns;
    char *gap = columns_skip(text, (most - 2) / 3);
    char kept = *gap;
    *gap = 0;
    size_t head = columns_count(text);
    *gap = kept;
    /* A wide character may straddle the place to go on from; its second half is not there to be shown. */
    char *from = columns_skip(gap, columns - head - (most - 2 - head));
    if (columns_count(from) > most - 2 - head)
        from = columns_skip(gap, columns - head - (most - 2 - head) + 1);
    gap[0] = gap[1] = '.';
    memmove(gap + 2, from, strlen(from) + 1);
    return columns_count(text);
}
