/* The package of a function: what a person would call the part of the program that it belongs to. */
#ifndef HEAPTAP_DIFF_PACKAGE_H
#define HEAPTAP_DIFF_PACKAGE_H

#include <stddef.h>

/* Writes to `out`, cut to `size`, the first of these that there is, and returns its length:
 *   C++, Rust    the outermost namespace or crate:  "std::vector<int>::push_back" is of "std"
 *   Go           the import path:                   "encoding/json.(*Decoder).Decode" is of "encoding/json"
 *   C            the directory of the source file:  "src/cache.c" is of "src"
 *   else         the binary or library, in brackets */
size_t package_find(const char *name, const char *file, const char *mapping, char *out, size_t size);

#endif
