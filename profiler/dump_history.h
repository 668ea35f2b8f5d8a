/* The files that this process wrote, oldest first: the only ones that rotation may remove. Not thread safe.
 */
#ifndef HEAPTAP_PROFILER_DUMP_HISTORY_H
#define HEAPTAP_PROFILER_DUMP_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "profiler/dump_file.h"

struct dump_history {
    char *memory; /* records between `first` and `end` */
    size_t size, first, end;
    uint32_t count;
    uint64_t bytes; /* sum of the files' sizes */
};

/* Adds the newest. A path that is there already is the same file written anew: the old record goes. False
 * when there is no memory; the file is then never removed. */
bool dump_history_add(struct dump_history *history, const char *path, const struct dump_file *file);

/* Takes the oldest out. False when there is none, or its path does not fit. */
bool dump_history_take(struct dump_history *history, char *path, size_t size, struct dump_file *file);

void dump_history_free(struct dump_history *history);

#endif
