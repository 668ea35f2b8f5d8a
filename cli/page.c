/* What comes from a profile reaches a page in three ways, each with its own escaping: as markup, as a JSON string in a
 * script element that is not run, or as numbers in base64. Locks: none. Allocates nothing. */
#include "cli/page.h"

#include <string.h>

#include "base/text.h"

bool page_write(const char *page, const struct page_filling *fillings, FILE *out) {
    const char *at = page;
    for (const char *open; (open = strstr(at, "{{"));) {
        const struct page_filling *filling = fillings;
        size_t length = strcspn(open + 2, "}");
        while (filling->mark && (strlen(filling->mark) != length || memcmp(filling->mark, open + 2, length) != 0))
            filling++;
        fwrite(at, 1, (size_t)(open - at), out);
        if (filling->mark && !filling->print(filling->context, out))
            return false;
        at = open + 2 + length + 2;
    }
    fputs(at, out);
    return true;
}

static bool is_unseen(uint32_t code) {
    return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0xad || code == 0x61c || code == 0x180e ||
           (code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
           (code >= 0x2060 && code <= 0x206f) || code == 0xfeff || (code >= 0xfff9 && code <= 0xfffb) ||
           code == 0xfffe || code == 0xffff;
}

void page_print_markup(const char *text, FILE *out) {
    for (const char *p = text; *p;) {
        uint32_t code;
        size_t length = text_decode(p, &code);
        const char *entity = *p == '&'    ? "&amp;"
                             : *p == '<'  ? "&lt;"
                             : *p == '>'  ? "&gt;"
                             : *p == '"'  ? "&quot;"
                             : *p == '\'' ? "&#39;"
                                          : NULL;
        if (entity)
            fputs(entity, out);
        else if (!length || is_unseen(code))
            fputc('?', out);
        else
            fwrite(p, 1, length, out);
        p += length ? length : 1;
    }
}

void page_print_json(const char *text, FILE *out) {
    const char *p = text, *plain = p;
    fputc('"', out);
    while (*p) {
        uint32_t code;
        size_t length = text_decode(p, &code);
        bool is_plain = length && code >= 0x20 && *p != '"' && *p != '\\' && *p != '<' && *p != 0x7f;
        if (!is_plain) {
            fwrite(plain, 1, (size_t)(p - plain), out);
            fprintf(out, "\\u%04x", length ? code : 0xfffd);
            plain = p + 1;
        }
        p += is_plain ? length : 1;
    }
    fwrite(plain, 1, (size_t)(p - plain), out);
    fputc('"', out);
}

void page_begin_numbers(struct page_numbers *numbers, FILE *out) { *numbers = (struct page_numbers){.out = out}; }

static void print_letters(struct page_numbers *numbers, unsigned count) {
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (unsigned i = 0; i < 4; i++)
        putc_unlocked(i < count ? alphabet[numbers->bits >> (18 - 6 * i) & 63] : '=', numbers->out);
    numbers->bits = numbers->bytes = 0;
}

static void print_byte(struct page_numbers *numbers, unsigned byte) {
    numbers->bits |= byte << (16 - 8 * numbers->bytes);
    if (++numbers->bytes == 3)
        print_letters(numbers, 4);
}

void page_print_unsigned(struct page_numbers *numbers, uint64_t value) {
    for (; value >= 0x80; value >>= 7)
        print_byte(numbers, (unsigned)(value & 0x7f) | 0x80);
    print_byte(numbers, (unsigned)value);
}

void page_print_signed(struct page_numbers *numbers, int64_t value) {
    page_print_unsigned(numbers, (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0));
}

void page_end_numbers(struct page_numbers *numbers) {
    if (numbers->bytes)
        print_letters(numbers, numbers->bytes + 1);
}
