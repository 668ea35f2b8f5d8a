/* What is known of where the output goes, and the cleaning of text that comes from a file: symbol names are
 * untrusted input and may hold escape sequences. */
#ifndef HEAPTAP_CLI_TERM_H
#define HEAPTAP_CLI_TERM_H

#include <stdbool.h>
#include <stddef.h>

enum term_color { TERM_COLOR_AUTO, TERM_COLOR_ALWAYS, TERM_COLOR_NEVER };

struct term {
    bool is_tty;
    bool has_color;
    unsigned width; /* columns; 0 = no limit */
};

/* Auto is: a terminal, TERM is set and not "dumb", NO_COLOR is unset or empty. */
struct term term_open(int fd, enum term_color color);

/* Copies text, each control character (C0, DEL, C1) and each byte that is not UTF-8 replaced by '?'. Always
 * terminates; returns the number of columns, one a character. */
size_t term_clean(char *out, size_t size, const char *text);

/* Shortens a function's name to `most` columns (at least 8): first the template arguments, outermost pair by
 * pair, then the middle, because both ends of a name tell more than that. Works in place on cleaned text;
 * returns the columns. */
size_t term_shorten(char *text, size_t most);

#endif
