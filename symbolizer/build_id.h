/* The number that a linker gives to one build of one file, in its GNU note. */
#ifndef HEAPTAP_SYMBOLIZER_BUILD_ID_H
#define HEAPTAP_SYMBOLIZER_BUILD_ID_H

#include <stdbool.h>
#include <stddef.h>

struct Elf;

enum { BUILD_ID_MAX = 64 };

struct build_id {
    size_t length; /* 0: there is none */
    unsigned char bytes[BUILD_ID_MAX];
    char hex[2 * BUILD_ID_MAX + 1]; /* the same in lowercase */
};

/* False, and no id, where the bytes are more than any linker makes. */
bool build_id_set(struct build_id *id, const void *bytes, size_t length);
/* From hexadecimal digits; "" is no id. False where the text cannot be an id. */
bool build_id_parse(struct build_id *id, const char *hex);
/* Of an open file; no id where it has no note. */
void build_id_read(struct build_id *id, struct Elf *elf);
/* True where both are there and equal: two files without an id have nothing in common. */
bool build_id_is_equal(const struct build_id *a, const struct build_id *b);

#endif
