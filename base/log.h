/* One line at a time to file descriptor 2, from a fixed buffer: may run inside malloc and inside a
 * signal handler. Takes no lock; a line is one write(2), so lines of two threads do not mix.
 *
 * Formats: %s %d %u %ld %lu %zu %lld %llu %x %lx %p %c %%. Nothing else is understood. Text past the
 * buffer (512 bytes) is cut. */
#ifndef HEAPTAP_BASE_LOG_H
#define HEAPTAP_BASE_LOG_H

#include <stdarg.h>
#include <stddef.h>

/* Prints "heaptap: " and the text and a newline. Keeps errno. */
__attribute__((format(printf, 1, 2))) void log_line(const char *format, ...);

/* The same line, then abort(). */
__attribute__((format(printf, 1, 2), noreturn, cold)) void log_fatal(const char *format, ...);

/* snprintf with the formats above: always terminates (size > 0), returns the length that was written. */
__attribute__((format(printf, 3, 4))) size_t log_format(char *out, size_t size, const char *format, ...);
size_t log_format_args(char *out, size_t size, const char *format, va_list args);

#endif
