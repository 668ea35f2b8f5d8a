/* Names are told apart by their shape, because a profile does not say of what language they are: "::" outside of any
 * bracket is C++ or Rust, a dot behind the last slash, or in a file of Go, is Go. Operators hold brackets without
 * partner, so a name is looked at only until its first bracket.
 *
 * Locks, allocation: none. */
#include "diff/package.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* "<alloc::vec::Vec<T> as core::clone::Clone>::clone" begins with a bracket that holds the type: look inside. */
static size_t find_namespace(const char **name) {
    while (**name == '<' || **name == '&' || **name == '*')
        (*name)++;
    size_t length = strcspn(*name, ":<({ ");
    return length && (*name)[length] == ':' && (*name)[length + 1] == ':' ? length : 0;
}

static bool is_go_file(const char *file) {
    size_t length = strlen(file);
    return length > 3 && strcmp(file + length - 3, ".go") == 0;
}

/* Up to the first dot behind the last slash. */
static size_t find_import_path(const char *name, const char *file) {
    const char *slash = NULL;
    size_t end = strcspn(name, "[( <");
    for (size_t i = 0; i < end; i++)
        if (name[i] == '/')
            slash = name + i;
    const char *from = slash ? slash : name;
    const char *dot = memchr(from, '.', (size_t)(name + end - from));
    return dot && (slash || is_go_file(file)) ? (size_t)(dot - name) : 0;
}

static size_t cut(int length, size_t size) {
    return length < 0 ? 0 : (size_t)length < size ? (size_t)length : size - 1;
}

size_t package_find(const char *name, const char *file, const char *mapping, char *out, size_t size) {
    size_t length = find_namespace(&name);
    if (!length)
        length = find_import_path(name, file);
    if (length)
        return cut(snprintf(out, size, "%.*s", (int)length, name), size);
    const char *slash = strrchr(file, '/');
    if (slash)
        return cut(snprintf(out, size, "%.*s", slash > file ? (int)(slash - file) : 1, file), size);
    return cut(snprintf(out, size, *mapping ? "[%s]" : "[unknown]", text_base_name(mapping)), size);
}
