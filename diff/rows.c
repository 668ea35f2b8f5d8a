/* Locks: none. Keys lie in a region of their own, items come from malloc. */
#include "diff/rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool rows_open(struct rows *rows, enum heapprofile_by by) {
    *rows = (struct rows){.by = by};
    strtab_init(&rows->keys, &rows->region);
    if (by != HEAPPROFILE_BY_STACK)
        return true;
    rows->functions = calloc(1, sizeof *rows->functions);
    return rows->functions && rows_open(rows->functions, HEAPPROFILE_BY_FUNCTION);
}

void rows_close(struct rows *rows) {
    if (rows->functions)
        rows_close(rows->functions);
    free(rows->functions);
    free(rows->items);
    free(rows->name);
    free(rows->stack);
    region_free(&rows->region);
}

uint32_t rows_find(struct rows *rows, const char *key, size_t length, bool *is_new) {
    uint32_t row = strtab_intern(&rows->keys, key, length, is_new);
    if (row == PROFILE_NONE || row < rows->count)
        return row;
    if (row >= rows->capacity) {
        uint32_t capacity = row < UINT32_MAX / 4 ? row * 2 + 256 : 0;
        struct row *items = capacity ? reallocarray(rows->items, capacity, sizeof *items) : NULL;
        if (!items)
            return PROFILE_NONE;
        rows->items = items;
        rows->capacity = capacity;
    }
    rows->items[row] = (struct row){.file = ""};
    rows->count = row + 1;
    return row;
}

void rows_note_file(struct rows *rows, uint32_t row, bool is_new, const char *file, int64_t line) {
    struct row *item = &rows->items[row];
    if (is_new || !*item->file) {
        item->file = file;
        item->line = line;
    } else if (*file && strcmp(item->file, file) != 0) {
        item->has_other_files = true;
    }
}

const char *rows_name(struct rows *rows, uint32_t row) {
    static const char separator[] = " < ";
    const struct profile_string *key = &rows->keys.strings[row];
    if (!rows->functions)
        return key->text;
    size_t count = key->length / sizeof(uint32_t), size = 1, used = 0;
    for (int is_writing = 0; is_writing < 2; is_writing++) {
        if (is_writing && size > rows->name_size) {
            char *larger = realloc(rows->name, size);
            if (!larger)
                return NULL;
            rows->name = larger;
            rows->name_size = size;
        }
        for (size_t i = 0; i < count; i++) {
            uint32_t function;
            memcpy(&function, key->text + i * sizeof function, sizeof function);
            const char *text = rows->functions->keys.strings[function].text;
            size += strlen(text) + sizeof separator;
            if (is_writing)
                used += (size_t)sprintf(rows->name + used, "%s%s", i ? separator : "", text);
        }
    }
    return rows->name;
}

const char *const *rows_stack(struct rows *rows, uint32_t row, uint32_t *count) {
    const struct profile_string *key = &rows->keys.strings[row];
    size_t length = key->length / sizeof(uint32_t);
    if (length >= rows->stack_room) {
        const char **larger = reallocarray(rows->stack, length + 64, sizeof *larger);
        if (!larger)
            return NULL;
        rows->stack = larger;
        rows->stack_room = length + 64;
    }
    for (size_t i = 0; i < length; i++) {
        uint32_t function;
        memcpy(&function, key->text + i * sizeof function, sizeof function);
        rows->stack[i] = rows->functions->keys.strings[function].text;
    }
    *count = (uint32_t)length;
    return rows->stack;
}
