/* Columns are counted as characters: wide and combining characters in symbol names are not worth a table of
 * Unicode. Locks: none. Allocates nothing. */
#include "cli/term.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

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
    term.has_color =
        color == TERM_COLOR_ALWAYS || (color == TERM_COLOR_AUTO && term.is_tty && !is_dumb && !(no_color && *no_color));
    return term;
}

static bool is_continuation(char c) { return (c & 0xc0) == 0x80; }

static size_t count_columns(const char *text) {
    size_t columns = 0;
    for (; *text; text++)
        columns += !is_continuation(*text);
    return columns;
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

static char *skip_columns(char *text, size_t columns) {
    while (columns-- && *text) {
        text++;
        while (is_continuation(*text))
            text++;
    }
    return text;
}

size_t term_shorten(char *text, size_t most) {
    size_t columns;
    while ((columns = count_columns(text)) > most)
        if (!drop_arguments(text))
            break;
    if (columns <= most || most < 8)
        return columns;
    char *gap = skip_columns(text, (most - 2) / 3);
    char *from = skip_columns(gap, columns - (most - 2));
    gap[0] = gap[1] = '.';
    memmove(gap + 2, from, strlen(from) + 1);
    return most;
}
