/* What C++'s operator new does when memory runs out: call the new-handler and try again, and without one throw
 * std::bad_alloc. */
#ifndef HEAPTAP_ALLOC_OPERATOR_NEW_H
#define HEAPTAP_ALLOC_OPERATOR_NEW_H

#include <stddef.h>

/* Never returns NULL: throws, or aborts with a line where no C++ runtime can be found to throw. */
void *operator_new(size_t size, size_t align);
/* The same of an allocation that was tried already: `p` is what came of it. */
void *operator_new_checked(void *p, size_t size);
/* NULL where operator_new would throw. `symbol` is the mangled name of the exported form. */
void *operator_new_nothrow(size_t size, size_t align, const void *tag, const char *symbol, int has_align);

#endif
