/* What is known of where the output goes, and how names are made to fit there. */
#ifndef HEAPTAP_CLI_TERM_H
#define HEAPTAP_CLI_TERM_H

#include <stdbool.h>
#include <stddef.h>

enum term_color { TERM_COLOR_AUTO, TERM_COLOR_ALWAYS, TERM_COLOR_NEVER };

struct term {
    bool is_tty;
    bool has_color;
    bool has_isolates; /* names may be set apart by U+2068 and U+2069 */
    unsigned width;    /* columns; 0 = no limit */
};

/* Auto is: a terminal, TERM is set and not "dumb", NO_COLOR is unset or empty. */
struct term term_open(int fd, enum term_color color);

/* Shortens a function's name to `most` columns (at least 8): first the template arguments, outermost pair by
 * pair, then the middle, because both ends of a name tell more than that. Works in place on cleaned text;
 * returns the columns. */
size_t term_shorten(char *text, size_t most);
/* The middle alone: of paths. */
size_t term_cut(char *text, size_t most);

#endif
