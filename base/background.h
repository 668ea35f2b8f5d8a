/* A thread of the library's own: detached, with every signal blocked, so that the program's handlers never run on it.
 */
#ifndef HEAPTAP_BASE_BACKGROUND_H
#define HEAPTAP_BASE_BACKGROUND_H

#include <stdbool.h>
#include <stddef.h>

/* False when the process may not create threads. `name` has at most 15 characters and is never freed. Allocates what
 * pthread_create allocates; keeps errno. */
bool background_start(const char *name, void (*run)(void), size_t stack_bytes);

#endif
