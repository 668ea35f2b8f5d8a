/* How near a word is to the one that was meant. */
#ifndef HEAPTAP_CLI_SPELLING_H
#define HEAPTAP_CLI_SPELLING_H

#include <stddef.h>

/* Letters to insert, leave out, replace, or swap with their neighbour to make `word` from `name`; a `name` that goes on
 * where `word` ends counts as one. Words above 31 letters are as far as can be. */
size_t spelling_distance(const char *word, const char *name);
/* Whether a distance is small enough to ask "did you mean": one letter in three. */
int spelling_is_near(const char *word, size_t distance);

#endif
