/* libiberty does the work. Rust is asked first, because its older names are valid C++ names that carry a hash
 * at the end, which only the Rust demangler takes off. Recursion is bounded by libiberty.
 *
 * Locks: none. Allocates with malloc. */
#include "symbolizer/demangle.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <libiberty/demangle.h>

/* Each may be followed by a number. */
static const char *const clone_suffixes[] = {".constprop", ".isra",       ".part", ".cold",
                                             ".lto_priv",  ".localalias", ".llvm"};

static bool is_number(const char *text) { return *text && text[strspn(text, "0123456789")] == 0; }

/* Position of the last '.' when what follows it belongs to a clone's suffix, else NULL. */
static char *find_clone_suffix(char *copy) {
    char *dot = strrchr(copy, '.');
    if (!dot || dot == copy)
        return NULL;
    for (size_t i = 0; i < sizeof clone_suffixes / sizeof *clone_suffixes; i++)
        if (strcmp(dot, clone_suffixes[i]) == 0)
            return dot;
    if (!is_number(dot + 1))
        return NULL;
    for (size_t i = 0; i < sizeof clone_suffixes / sizeof *clone_suffixes; i++) {
        size_t length = strlen(clone_suffixes[i]);
        if ((size_t)(dot - copy) > length && memcmp(dot - length, clone_suffixes[i], length) == 0)
            return dot - length;
    }
    return NULL;
}

size_t demangle_measure(const char *name) {
    size_t length = strcspn(name, "@");
    return length ? length : strlen(name);
}

char *demangle_name(const char *name) {
    char *readable = NULL;
    if (strncmp(name, "_R", 2) == 0 || strncmp(name, "_ZN", 3) == 0)
        readable = rust_demangle(name, 0);
    if (!readable && strncmp(name, "_Z", 2) == 0)
        readable = cplus_demangle_v3(name, DMGL_ANSI);
    if (readable)
        return readable;
    char *copy = strndup(name, demangle_measure(name));
    char *suffix;
    while (copy && (suffix = find_clone_suffix(copy)))
        *suffix = 0;
    return copy;
}
