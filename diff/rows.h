/* The rows of a comparison: what makes two frames of two files the same thing. A row is found by its key, which is its
 * name and, for lines, what else distinguishes it; so rows of two builds of a program are the same row. */
#ifndef HEAPTAP_DIFF_ROWS_H
#define HEAPTAP_DIFF_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "heapprofile.h"
#include "proto/strtab.h"

struct row {
    const char *file;     /* of the function; "" = unknown */
    int64_t line;         /* in line rows the line, in function rows where the function begins; 0 = unknown */
    bool has_other_files; /* functions of this name exist in several files */
};

struct rows {
    enum heapprofile_by by;
    struct row *items; /* by the number of `keys` */
    uint32_t count, capacity;
    struct region region;
    struct strtab keys;
    struct rows *functions; /* of stack rows: what the keys are sequences of */
    char *name;             /* of a stack row, made when asked for */
    size_t name_size;
    const char **stack; /* the same as a list */
    size_t stack_room;
};

/* False when there is no memory; rows_close is due all the same. */
bool rows_open(struct rows *rows, enum heapprofile_by by);
void rows_close(struct rows *rows);

/* The row of this key, a new one the first time; PROFILE_NONE when there is no memory. `is_new` may be NULL. */
uint32_t rows_find(struct rows *rows, const char *key, size_t length, bool *is_new);
/* Remembers where a row's function is. */
void rows_note_file(struct rows *rows, uint32_t row, bool is_new, const char *file, int64_t line);
/* Valid until the next call; stacks are written from the leaf: "leaf < caller < root". NULL when there is no memory. */
const char *rows_name(struct rows *rows, uint32_t row);
/* The functions of a stack row, from the leaf; valid until the next call. NULL when there is no memory. */
const char *const *rows_stack(struct rows *rows, uint32_t row, uint32_t *count);

#endif
