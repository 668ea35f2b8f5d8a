/* Function names from ELF symbol tables (.symtab, .dynsym and the compressed one some distributions leave in
 * stripped files). A name is given only where a symbol says that it covers the address. */
#ifndef HEAPTAP_SYMBOLIZER_SYMTAB_H
#define HEAPTAP_SYMBOLIZER_SYMTAB_H

#include <stdbool.h>
#include <stdint.h>

struct Dwfl_Module;
struct symtab;

/* NULL when there is no memory. A file without symbols gives an empty table. */
struct symtab *symtab_open(struct Dwfl_Module *file);
/* The linker name of the function at this address (in libdwfl's numbering), or NULL. Lives as long as the
 * file. */
const char *symtab_find(const struct symtab *symtab, uint64_t address, bool *is_exported);
void symtab_close(struct symtab *symtab);

#endif
