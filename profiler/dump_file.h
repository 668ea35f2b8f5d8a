/* A file that is whole or not there: written under another name in the same directory, synced, then renamed.
 */
#ifndef HEAPTAP_PROFILER_DUMP_FILE_H
#define HEAPTAP_PROFILER_DUMP_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "proto/writer.h"

/* Writes the contents to the sink; 0 or an errno. */
typedef int (*dump_fill)(writer_sink sink, void *sink_context, void *argument);

/* Which file was written: what has another inode later is not ours any more. */
struct dump_file {
    uint64_t size;
    dev_t device;
    ino_t inode;
};

/* 0, or an errno, and then nothing is left behind and what was at `path` is untouched. Refuses (ELOOP,
 * EEXIST) a path at which something other than a regular file is. Never calls malloc. */
int dump_file_write(const char *path, dump_fill fill, void *argument, struct dump_file *written);

/* The same to an open descriptor. A broken pipe or a full quota is an errno, not a signal. */
int dump_file_write_fd(int fd, dump_fill fill, void *argument, uint64_t *size);

/* Removes the file at `path` if it is still the one that was written. */
void dump_file_remove(const char *path, const struct dump_file *written);

/* As strerror, for the errors that files have; never allocates or translates. */
const char *dump_file_error_text(int error);

#endif
