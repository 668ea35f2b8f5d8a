/* One mapped file, found again on disk and opened with whatever debug information belongs to it.
 *
 * A file is taken only when its build id is the one the profile names; a profile without a build id takes the
 * file at the mapping's path on trust. Addresses here are ELF virtual addresses of the file as linked. */
#ifndef HEAPTAP_SYMBOLIZER_MODULE_H
#define HEAPTAP_SYMBOLIZER_MODULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct Dwfl_Module;

/* Where to look before the system's own places. */
struct module_search {
    const char *const *dirs;
    size_t dir_count;
};

enum module_status {
    MODULE_OK,
    MODULE_NOT_FOUND,
    MODULE_MISMATCH, /* a file is there, but it is another build */
    MODULE_NO_MEMORY,
};

struct module;

/* Looks at the path itself, then in each directory (by build id, by base name, by whole path), then in the
 * system's debug directory by build id. `build_id` is lowercase hex or "". NULL unless *status is MODULE_OK.
 */
struct module *module_open(const char *path, const char *build_id, const struct module_search *search,
                           enum module_status *status);
void module_close(struct module *module);

/* What the loader added: link address = run address - *base, for a mapping [start, limit) of the file from
 * `offset` on. False where no segment of the file can have been mapped so. */
bool module_base(const struct module *module, uint64_t start, uint64_t limit, uint64_t offset, uint64_t *base);

/* The opened file for libdwfl, and what it adds to link addresses. */
struct Dwfl_Module *module_dwfl(const struct module *module, uint64_t *bias);

#endif
