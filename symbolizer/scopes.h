/* Names of DWARF entries with the namespaces and classes around them. Entries do not know what they stand in, so each
 * unit is read once, functions' insides left out. */
#ifndef HEAPTAP_SYMBOLIZER_SCOPES_H
#define HEAPTAP_SYMBOLIZER_SCOPES_H

#include <elfutils/libdw.h>
#include <stdbool.h>

struct scopes;

/* NULL when there is no memory. */
struct scopes *scopes_open(void);
void scopes_close(struct scopes *scopes);

/* "outer::inner::name" of the function's declaration, or NULL where nothing is around it, or no memory is left. Lives
 * as long as `scopes`. */
const char *scopes_qualify(struct scopes *scopes, Dwarf_Die *declaration, const char *name);

/* Whether functions may be declared inside an entry of this tag. */
bool scopes_may_hold_functions(int tag);

#endif
