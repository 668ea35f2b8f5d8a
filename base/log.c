/* A printf of forty lines, because the C library's may allocate and this one must not.
 *
 * Locks: none. Allocation: none. May run inside malloc and in signal handlers. */
#include "base/log.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 512 };

struct text {
    char *out;
    size_t size;
    size_t length;
};

static void put_char(struct text *text, char c) {
    if (text->length + 1 < text->size)
        text->out[text->length++] = c;
}

static void put_string(struct text *text, const char *s) {
    for (s = s ? s : "(null)"; *s; s++)
        put_char(text, *s);
}

static void put_unsigned(struct text *text, uint64_t value, unsigned base) {
    char digits[20];
    size_t n = 0;
    do {
        digits[n++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value);
    while (n)
        put_char(text, digits[--n]);
}

static void put_signed(struct text *text, int64_t value) {
    if (value < 0)
        put_char(text, '-');
    put_unsigned(text, value < 0 ? -(uint64_t)value : (uint64_t)value, 10);
}

/* Reads the next integer argument; `wide` tells long, long long and size_t, all 64 bits here. */
#define NEXT_SIGNED(args, wide)   ((wide) ? va_arg(args, int64_t) : va_arg(args, int))
#define NEXT_UNSIGNED(args, wide) ((wide) ? va_arg(args, uint64_t) : va_arg(args, unsigned))

size_t log_format_args(char *out, size_t size, const char *format, va_list args) {
    struct text text = {out, size, 0};
    for (const char *f = format; *f; f++) {
        if (*f != '%') {
            put_char(&text, *f);
            continue;
        }
        bool wide = false;
        for (f++; *f == 'l' || *f == 'z'; f++)
            wide = true;
        switch (*f) {
        case 's':
            put_string(&text, va_arg(args, const char *));
            break;
        case 'c':
            put_char(&text, (char)va_arg(args, int));
            break;
        case 'd':
            put_signed(&text, NEXT_SIGNED(args, wide));
            break;
        case 'u':
            put_unsigned(&text, NEXT_UNSIGNED(args, wide), 10);
            break;
        case 'x':
            put_unsigned(&text, NEXT_UNSIGNED(args, wide), 16);
            break;
        case 'p':
            put_string(&text, "0x");
            put_unsigned(&text, (uint64_t)(uintptr_t)va_arg(args, void *), 16);
            break;
        case '%':
            put_char(&text, '%');
            break;
        default:
            abort();
        }
    }
    if (size)
        out[text.length] = '\0';
    return text.length;
}

size_t log_format(char *out, size_t size, const char *format, ...) {
    va_list args;
    va_start(args, format);
    size_t length = log_format_args(out, size, format, args);
    va_end(args);
    return length;
}

static void write_line(const char *format, va_list args) {
    static const char prefix[] = "heaptap: ";
    char line[LINE_MAX_BYTES];
    int saved_errno = errno;
    memcpy(line, prefix, sizeof prefix - 1);
    size_t length = sizeof prefix - 1;
    length += log_format_args(line + length, sizeof line - 1 - length, format, args);
    line[length++] = '\n';
    for (size_t done = 0; done < length;) {
        ssize_t n = write(STDERR_FILENO, line + done, length - done);
        if (n < 0 && errno != EINTR)
            break;
        done += n > 0 ? (size_t)n : 0;
    }
    errno = saved_errno;
}

void log_line(const char *format, ...) {
    va_list args;
    va_start(args, format);
    write_line(format, args);
    va_end(args);
}

void log_fatal(const char *format, ...) {
    va_list args;
    va_start(args, format);
    write_line(format, args);
    va_end(args);
    abort();
}
