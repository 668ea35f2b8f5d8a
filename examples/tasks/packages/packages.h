/* Three packages for exercise 19, a shared object each. */
#ifndef EXAMPLES_TASKS_PACKAGES_PACKAGES_H
#define EXAMPLES_TASKS_PACKAGES_PACKAGES_H

#include <stddef.h>

#define PACKAGE_API __attribute__((visibility("default"), noinline))

/* A list of numbers, a node of 32 bytes each; freed by parser_free. */
struct number {
    struct number *next;
    long value, line, column;
};

PACKAGE_API struct number *parser_parse(int count);
PACKAGE_API void parser_free(struct number *numbers);

/* A table of pointers into the list, 8 bytes each, made larger by halves again; freed by the caller. */
PACKAGE_API const struct number **indexer_build(const struct number *numbers, size_t *count);

/* Copies what the program wants to keep: 256 bytes an entry. */
PACKAGE_API void cache_put(const struct number *number);
PACKAGE_API size_t cache_size(void);

#endif
