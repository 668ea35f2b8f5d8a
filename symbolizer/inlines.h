/* Functions, inlined calls, files and lines from DWARF. Addresses are DWARF's own (link addresses of the
 * debug file). */
#ifndef HEAPTAP_SYMBOLIZER_INLINES_H
#define HEAPTAP_SYMBOLIZER_INLINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct Dwarf;
struct inlines;

/* One frame of the source: strings live as long as the DWARF does. */
struct source_frame {
    const char *name; /* the linker's name where DWARF has it, else the source's; NULL where unknown */
    /* With namespaces and classes, for C++ functions whose linker name DWARF does not have (static ones and
     * those in unnamed namespaces); else NULL. */
    const char *qualified;
    const char *file;   /* NULL where unknown */
    int64_t line;       /* 0 where unknown */
    int64_t start_line; /* of the function's declaration, when it is in the same file; else 0 */
};

/* NULL when there is no memory. */
struct inlines *inlines_open(struct Dwarf *dwarf);
/* Fills `frames`, innermost inlined call first, and returns how many; 0 where DWARF knows no function at the
 * address. A chain longer than `most` loses its outermost frames but keeps the function itself as the last.
 */
size_t inlines_find(struct inlines *inlines, uint64_t address, struct source_frame *frames, size_t most);
/* File and line alone, of the code at the address: where DWARF has lines but no functions. Sets frame->file and
 * frame->line, to NULL and 0 where it has none. */
void inlines_find_line(struct inlines *inlines, uint64_t address, struct source_frame *frame);
/* True when an address was in a unit whose functions are in a file that cannot be found (split DWARF). */
bool inlines_has_lost_unit(const struct inlines *inlines);
void inlines_close(struct inlines *inlines);

#endif
