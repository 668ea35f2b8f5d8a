/* Columns are counted as characters: wide and combining characters in symbol names are not worth a table of
 * Unicode. Locks: none. Allocates nothing. */
#include "cli/term.h"

#include <stdint.h>
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

/* Length of the UTF-8 character at p, 0 when it is none or a control character. */
static size_t measure_character(const unsigned char *p) {
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (*p < 0x80)
        return *p >= 0x20 && *p != 0x7f;
    size_t length = *p >= 0xf0 && *p < 0xf5 ? 4 : *p >= 0xe0 && *p < 0xf0 ? 3 : *p >= 0xc2 && *p < 0xe0 ? 2 : 0;
    if (!length)
        return 0;
    uint32_t code = *p & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (p[i] & 0x3f);
    }
    bool is_bad = code < least[length] || code < 0xa0 || code > 0x10ffff || (code >= 0xd800 && code < 0xe000) ||
                  (code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
                  (code >= 0x2066 && code <= 0x2069);
    return is_bad ? 0 : length;
}

size_t term_clean(char *out, size_t size, const char *text) {
    const unsigned char *p = (const unsigned char *)text;
    size_t used = 0, columns = 0;
    while (*p) {
        size_t length = measure_character(p);
        if (used + (length ? length : 1) >= size)
            break;
        if (length)
            memcpy(out + used, p, length);
        else
            out[used] = '?';
        used += length ? length : 1;
        p += length ? length : 1;
        columns++;
    }
    out[used] = 0;
    return columns;
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
