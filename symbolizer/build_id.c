/* Ids are compared as bytes and shown and filed as lowercase digits, so both forms are kept.
 *
 * Locks: none. Allocates nothing itself. */
#include "symbolizer/build_id.h"

#include <elfutils/libdwelf.h>
#include <stdio.h>
#include <string.h>

bool build_id_set(struct build_id *id, const void *bytes, size_t length) {
    id->length = 0;
    id->hex[0] = 0;
    if (length > BUILD_ID_MAX)
        return false;
    if (length)
        memcpy(id->bytes, bytes, length);
    id->length = length;
    for (size_t i = 0; i < length; i++)
        snprintf(id->hex + 2 * i, 3, "%02x", id->bytes[i]);
    return true;
}

static int digit_value(char digit) {
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *found = digit ? strchr(digits, digit) : NULL;
    return found ? (int)((found - digits) % 16) : -1;
}

bool build_id_parse(struct build_id *id, const char *hex) {
    unsigned char bytes[BUILD_ID_MAX];
    size_t length = strlen(hex);
    build_id_set(id, "", 0);
    if (length % 2 || length > sizeof bytes * 2)
        return false;
    for (size_t i = 0; i < length; i += 2) {
        int high = digit_value(hex[i]), low = digit_value(hex[i + 1]);
        if (high < 0 || low < 0)
            return false;
        bytes[i / 2] = (unsigned char)(high * 16 + low);
    }
    return build_id_set(id, bytes, length / 2);
}

void build_id_read(struct build_id *id, struct Elf *elf) {
    const void *bytes = NULL;
    ssize_t length = dwelf_elf_gnu_build_id(elf, &bytes);
    build_id_set(id, bytes, length > 0 ? (size_t)length : 0);
}

bool build_id_is_equal(const struct build_id *a, const struct build_id *b) {
    return a->length && a->length == b->length && memcmp(a->bytes, b->bytes, a->length) == 0;
}
