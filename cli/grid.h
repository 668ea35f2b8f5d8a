/* Lines of cells, aligned to the right, with a name and its place behind them, for people:
 *
 *        OLD      NEW     DELTA       %        95%  FUNCTION                      heads
 *     12.1Mi   19.6Mi   +7.50Mi    +62%  +-1.90Mi  cache_insert  src/cache.c:88   cells, name, place
 *
 * No line is longer than the terminal: the columns of lesser importance go first, then places, then the middles of
 * names. Where it is no terminal, names are whole. Names are untrusted: they are cleaned here. */
#ifndef HEAPTAP_CLI_GRID_H
#define HEAPTAP_CLI_GRID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "cli/quantity.h"
#include "cli/summary.h"
#include "cli/term.h"

enum { GRID_COLUMNS = 32 };

struct grid_column {
    char head[2][QUANTITY_SIZE]; /* lines of the head; the first may be empty in all columns, then there is one line */
    unsigned expense;            /* columns of greater expense are left out first where there is no room; 0 = never */
    bool is_colored;
    /* The grid's own: */
    unsigned width;
    bool is_out;
};

struct grid_line {
    char cells[GRID_COLUMNS][QUANTITY_SIZE];
    signed char signs[GRID_COLUMNS]; /* of the changes: what colour they get */
    unsigned indent;                 /* levels */
    const char *lead;                /* constant text before the name, or NULL */
    const char *name;                /* as it is in the file */
    const char *brief;               /* to be shown instead where the name has no room, or NULL */
    const char *old_name;            /* what it is thought to have been called, and how alike the two are; or NULL */
    double likeness;
    bool has_place;
    char place[SUMMARY_PLACE_SIZE];
    bool is_blank; /* nothing at all */
};

struct grid {
    const struct term *term;
    FILE *out;
    const char *name_head; /* lower case */
    struct grid_column columns[GRID_COLUMNS];
    unsigned count;
    /* The grid's own: */
    unsigned name_width; /* padding of names that a place follows */
    char *name, *place;  /* cleaned */
};

/* Puts the line number `index` into `line`, which is empty. */
typedef void (*grid_fill)(void *context, size_t index, struct grid_line *line);

/* Name and place of a row of a comparison. */
void grid_name(struct grid_line *line, const struct heapprofile_row *row);
void grid_add(struct grid *grid, const char *upper, const char *lower, unsigned expense, bool is_colored);
/* Prints heads and `lines` lines, each asked for twice. False when there is no memory; write errors are left in `out`.
 */
bool grid_print(struct grid *grid, size_t lines, grid_fill fill, void *context);

#endif
