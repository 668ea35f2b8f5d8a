/* How many columns of a terminal a text takes: most characters one, East Asian wide ones two, marks on the character
 * before them none. Texts are cleaned UTF-8 (base/text.h). */
#ifndef HEAPTAP_CLI_COLUMNS_H
#define HEAPTAP_CLI_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>

size_t columns_count(const char *text);
/* Behind as many characters as fit into `most` columns, with the marks that belong to the last of them. */
char *columns_skip(char *text, size_t most);
/* Whether a letter of a script that is written from right to left is in it. */
bool columns_has_right_to_left(const char *text);

#endif
