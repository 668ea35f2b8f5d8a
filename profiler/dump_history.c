/* Records of different length lie one after the other; the oldest leaves at the front, the newest comes at
 * the end, and what is left is moved to the front when the end is reached.
 *
 *   memory: |  left  | record | record | record |   free   |
 *                    ^first                     ^end
 *
 * Locks: the caller's. Allocation: os_alloc. */
#include "profiler/dump_history.h"

#include <string.h>

#include "base/bits.h"
#include "base/os.h"

enum { FIRST_SIZE = 16 * 1024, RECORD_ALIGNMENT = 8 };

struct record {
    struct dump_file file;
    size_t length; /* of this record, with its path, rounded up */
    char path[];
};

static struct record *record_at(const struct dump_history *history, size_t at) {
    return (struct record *)(void *)(history->memory + at);
}

/* Room for `length` bytes at the end. */
static bool make_room(struct dump_history *history, size_t length) {
    size_t used = history->end - history->first;
    if (history->size - history->end >= length)
        return true;
    if (history->size < used + length || history->first < used) {
        size_t size = history->size ? history->size * 2 : FIRST_SIZE;
        char *memory = os_alloc(size);
        if (!memory)
            return false;
        if (used)
            memcpy(memory, history->memory + history->first, used);
        if (history->memory)
            os_free(history->memory, history->size);
        history->memory = memory;
        history->size = size;
    } else {
        memmove(history->memory, history->memory + history->first, used);
    }
    history->first = 0;
    history->end = used;
    return history->size - history->end >= length;
}

static void remove_path(struct dump_history *history, const char *path) {
    for (size_t at = history->first; at < history->end;) {
        struct record *record = record_at(history, at);
        size_t length = record->length;
        if (strcmp(record->path, path) == 0) {
            history->bytes -= record->file.size;
            history->count--;
            memmove(record, (char *)record + length, history->end - at - length);
            history->end -= length;
        } else {
            at += length;
        }
    }
}

bool dump_history_add(struct dump_history *history, const char *path, const struct dump_file *file) {
    size_t text = strlen(path) + 1;
    size_t length = align_up(sizeof(struct record) + text, RECORD_ALIGNMENT);
    remove_path(history, path);
    if (!make_room(history, length))
        return false;
    struct record *record = record_at(history, history->end);
    record->file = *file;
    record->length = length;
    memcpy(record->path, path, text);
    history->end += length;
    history->count++;
    history->bytes += file->size;
    return true;
}

bool dump_history_take(struct dump_history *history, char *path, size_t size, struct dump_file *file) {
    if (!history->count)
        return false;
    const struct record *record = record_at(history, history->first);
    bool fits = strlen(record->path) < size;
    if (fits)
        strcpy(path, record->path);
    *file = record->file;
    history->bytes -= record->file.size;
    history->count--;
    history->first += record->length;
    return fits;
}

void dump_history_free(struct dump_history *history) {
    if (history->memory)
        os_free(history->memory, history->size);
    *history = (struct dump_history){0};
}
