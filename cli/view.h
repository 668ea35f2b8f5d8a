/* One sample type of one or two profiles, summed into rows: a row for each function, line, file, mapping or
 * stack.
 *
 *   flat   the samples whose leaf frame is in the row
 *   cum    the samples with at least one frame in the row, each counted once however often the row is on the
 * stack
 *
 * Inlined calls are frames of their own, and a sample's leaf is its innermost inlined call. A row of stacks
 * is one sequence of functions, whatever the addresses. Rows of a frame without a function are named by the
 * file and its link address ("redis-server+0x5a3c1"; for files and mappings only the file). Sums wrap at 64
 * bits. Two profiles meet by name, so rows of two builds of a program are the same row. Not thread safe. */
#ifndef HEAPTAP_CLI_VIEW_H
#define HEAPTAP_CLI_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/load.h"
#include "proto/strtab.h"

enum view_by { VIEW_FUNCTION, VIEW_LINE, VIEW_FILE, VIEW_MAPPING, VIEW_STACK };
enum view_side { VIEW_OLD, VIEW_NEW, VIEW_SIDES };

struct view_row {
    const char *file;     /* of the function; "" unknown */
    int64_t line;         /* in line rows the line, in function rows where the function begins; 0 unknown */
    bool has_other_files; /* functions of this name exist in several files */
    int64_t flat[VIEW_SIDES], cum[VIEW_SIDES];
};

struct view {
    enum view_by by;
    struct view_row *rows; /* by the number of `keys` */
    uint32_t count, capacity;
    int64_t total[VIEW_SIDES];      /* of all samples */
    uint64_t magnitude[VIEW_SIDES]; /* the same without signs: what shares are of */

    struct region region;
    struct strtab keys;     /* what makes two frames the same row */
    struct view *functions; /* of stack views: the rows that the keys are sequences of */
    char *name;             /* of a stack row, made when asked for */
    size_t name_size;
};

/* False when there is no memory; view_close is due all the same. */
bool view_open(struct view *view, enum view_by by);
/* Adds the samples of one profile to one side. False when there is no memory. */
bool view_add(struct view *view, const struct loaded *loaded, uint32_t sample_type, enum view_side side);
/* The row's name; valid until the next call. Stacks are written from the leaf: "leaf < caller < root". NULL
 * when there is no memory. */
const char *view_name(struct view *view, uint32_t row);
void view_close(struct view *view);

#endif
