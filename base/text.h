/* Text that comes from a file, and is untrusted: names may hold escape sequences and characters that turn the direction
 * of a line. */
#ifndef HEAPTAP_BASE_TEXT_H
#define HEAPTAP_BASE_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* Copies text, each control character (C0, DEL, C1), each mark that turns or breaks the direction of a line, each
 * character that cannot be seen, and each byte that is not UTF-8 replaced by '?', one a byte. Always terminates;
 * returns the number of characters. */
size_t text_clean(char *out, size_t size, const char *text);

/* Length of the UTF-8 character at `text`, which is not at its end, and the character itself; 0 when it is none. */
size_t text_decode(const char *text, uint32_t *code);

/* What follows the last slash of a path. */
const char *text_base_name(const char *path);

#endif
