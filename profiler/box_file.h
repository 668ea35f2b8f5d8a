/* The file under the black box: made, mapped, and backed piece by piece. */
#ifndef HEAPTAP_PROFILER_BOX_FILE_H
#define HEAPTAP_PROFILER_BOX_FILE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct box_file {
    char path[PATH_MAX]; /* absolute */
    dev_t device;
    ino_t inode;
};

/* Of the file; whole pages. */
struct box_range {
    size_t offset, size;
};

/* A new file at `path`, mode 0600, of which `count` ranges may be touched, mapped as a whole: at `at`, in the place of
 * what is mapped there, or anywhere where that is NULL. 0, or an errno, and then nothing is left behind and nothing was
 * replaced: EEXIST where something is at the path, EOPNOTSUPP where the file system cannot keep space for what will be
 * written. */
int box_file_create(struct box_file *file, const char *path, size_t size, const struct box_range *ranges, size_t count,
                    char *at, char **mapping);

/* Backs [p, p + size) of the mapping: touching it will not fail for want of space. False when there is none. May run
 * inside malloc. */
bool box_file_back(const struct box_file *file, char *mapping, char *p, size_t size);

/* Removes the file if it is still the one that was made. */
void box_file_remove(const struct box_file *file);

#endif
