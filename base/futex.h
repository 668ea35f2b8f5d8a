/* Sleeping on a word of memory. Process-private. Keeps errno. May run inside malloc. */
#ifndef HEAPTAP_BASE_FUTEX_H
#define HEAPTAP_BASE_FUTEX_H

#include <stdint.h>

/* Sleeps while *word == value, until a wake or until the monotonic clock shows `deadline` nanoseconds (0 = for ever).
 * May return early for no reason. */
void futex_wait(_Atomic uint32_t *word, uint32_t value, int64_t deadline);
void futex_wake_one(_Atomic uint32_t *word);

#endif
