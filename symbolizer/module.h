/* One mapped file, found again on disk and opened with whatever debug information belongs to it.
 *
 * A file is taken only when its build id is the one the profile names; a profile without a build id takes a file by its
 * name, on trust. Addresses here are ELF virtual addresses of the file as linked. */
#ifndef HEAPTAP_SYMBOLIZER_MODULE_H
#define HEAPTAP_SYMBOLIZER_MODULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "symbolizer/debug_file.h"

struct Dwarf;
struct Dwfl_Module;

enum module_status {
    MODULE_OK,
    MODULE_NOT_FOUND,
    MODULE_MISMATCH, /* a file is there, but it is another build */
    MODULE_NO_MEMORY,
};

struct module;

/* Looks in the places of places.h, then asks the server. `build_id` is hexadecimal or "". NULL unless *status is
 * MODULE_OK. The search must outlive the module. */
struct module *module_open(const char *path, const char *build_id, const struct search *search,
                           enum module_status *status);
void module_close(struct module *module);

/* What the loader added: link address = run address - *base, for a mapping [start, limit) of the file from
 * `offset` on. False where no segment of the file can have been mapped so. */
bool module_base(const struct module *module, uint64_t start, uint64_t limit, uint64_t offset, uint64_t *base);

/* True for the file at the mapping's path when nothing proves that it is the one that was mapped. Then *changed is when
 * it was written last, in nanoseconds of Unix time. */
bool module_is_unproven(const struct module *module, int64_t *changed);

/* The opened file for libdwfl, and what it adds to link addresses. */
struct Dwfl_Module *module_dwfl(const struct module *module, uint64_t *bias);

/* Its DWARF, wherever that is, and what that adds to link addresses; NULL where there is none that can be believed. */
struct Dwarf *module_dwarf(struct module *module, uint64_t *bias);

#endif
