/* Whether a free or an allocation may start a thread of ours. The C library and the loader free some of their own
 * things under locks that creating a thread needs, so the program itself must have called us. */
#ifndef HEAPTAP_ALLOC_CALLER_H
#define HEAPTAP_ALLOC_CALLER_H

#include <stdbool.h>

/* At start, outside malloc: finds the code of the C library, of the loader and our own. Until then nothing may start a
 * thread. */
void caller_prepare(void);

/* Whether our own code is told from the program's: not where it is linked into the program. */
bool caller_knows_own(void);

/* `caller`: the address that the call returns to; NULL: not known. */
bool caller_may_start_thread(const void *caller);

#endif
