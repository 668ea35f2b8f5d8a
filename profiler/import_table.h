/* What one loaded library calls: its own table of imported functions. Changing an entry changes that library
 * alone. */
#ifndef HEAPTAP_PROFILER_IMPORT_TABLE_H
#define HEAPTAP_PROFILER_IMPORT_TABLE_H

#include <stdbool.h>

/* `library` is a handle of dlopen, whose symbols are bound (RTLD_NOW). From now on it calls `function` for
 * `name`. False where it does not import that name. Outside malloc. */
bool import_table_replace(void *library, const char *name, void *function);

#endif
