/* Profiles as files: names by the pattern, triggers, rotation, and one line on stderr when it fails. The
 * program never fails because a dump did. */
#ifndef HEAPTAP_PROFILER_DUMP_H
#define HEAPTAP_PROFILER_DUMP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/options.h"
#include "profiler/dump_file.h"

/* Keeps `options`; both must stay valid. Starts the dump thread where an interval or a signal asks for it. */
void dump_start(const struct options *options, dump_fill fill, void *argument);

/* Writes the next file of the pattern. 0 or an errno; EINVAL without a pattern. Any thread, outside malloc.
 */
int dump_write_next(const char *reason);
/* Writes to `path`; such a file does not take part in rotation. */
int dump_write(const char *path);

/* The program ends: the exit dump, and a moment for files that other threads are writing. */
void dump_at_exit(void);

uint64_t dump_files_written(void);
uint64_t dump_files_failed(void);

void dump_fork_prepare(void);
void dump_fork_parent(void);
/* `follow`: the child has its own sequence, files and thread. Else it writes nothing. */
void dump_fork_child(bool follow);

#endif
