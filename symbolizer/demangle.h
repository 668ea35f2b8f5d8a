/* Readable names from linker names: C++ and Rust, without parameters but with template arguments. */
#ifndef HEAPTAP_SYMBOLIZER_DEMANGLE_H
#define HEAPTAP_SYMBOLIZER_DEMANGLE_H

#include <stddef.h>

/* Length of a linker name without the version that a symbol table may append ("name@@GLIBC_2.34"). */
size_t demangle_measure(const char *name);

/* The readable form, or the name itself where it is not mangled; suffixes that compilers append to the clones
 * of a function (".constprop.0", ".part.3", ".cold") are taken off. To be freed; NULL when there is no
 * memory. */
char *demangle_name(const char *name);

#endif
