/* One pass over the bytes. Locks, allocation: none. */
#include "base/text.h"

#include <stdbool.h>
#include <string.h>

/* Marks that turn or break the direction of a line, and characters that nothing is seen of, by which two names that
 * look the same would differ: spaces without width, fillers of Hangul, anchors of annotations, tags. */
static bool is_unseen(uint32_t code) {
    return code == 0x61c || code == 0x115f || code == 0x1160 || code == 0x180e || (code >= 0x200b && code <= 0x200f) ||
           (code >= 0x2028 && code <= 0x202e) || (code >= 0x2060 && code <= 0x206f) || code == 0x3164 ||
           code == 0xfeff || code == 0xffa0 || (code >= 0xfff9 && code <= 0xfffb) ||
           (code >= 0xe0000 && code <= 0xe007f);
}

size_t text_decode(const char *text, uint32_t *code) {
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *p = (const unsigned char *)text;
    size_t length = *p < 0x80                 ? 1
                    : *p >= 0xf0 && *p < 0xf5 ? 4
                    : *p >= 0xe0 && *p < 0xf0 ? 3
                    : *p >= 0xc2 && *p < 0xe0 ? 2
                                              : 0;
    *code = length == 1 ? *p : *p & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        *code = *code << 6 | (p[i] & 0x3f);
    }
    bool is_bad = *code < least[length] || *code > 0x10ffff || (*code >= 0xd800 && *code < 0xe000);
    return is_bad ? 0 : length;
}

/* Length of a character that may be shown, else 0. */
static size_t measure_shown(const char *text) {
    uint32_t code;
    size_t length = text_decode(text, &code);
    bool is_control = code < 0x20 || (code >= 0x7f && code < 0xa0);
    return is_control || is_unseen(code) ? 0 : length;
}

size_t text_clean(char *out, size_t size, const char *text) {
    const char *p = text;
    size_t used = 0, columns = 0;
    while (*p) {
        size_t length = measure_shown(p);
        if (used + (length ? length : 1) >= size)
            break;
        if (length)
            memcpy(out + used, p, length);
        else
            out[used] = '?';
        used += length ? length : 1;
        p += length ? length : 1;
        columns++;
    }
    out[used] = 0;
    return columns;
}

const char *text_base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}
