/* The dynamic loader's view of what is loaded, with and without its lock.
 *
 * libheaptap.so exports dl_iterate_phdr and dlclose of its own; both pass everything on to the C library's.
 * - dl_iterate_phdr: an unwinder calls it while it holds a lock of its own. On another thread dlopen holds the loader's
 *   lock, allocates, is sampled and wants the unwinder's lock: each waits for the other. So a thread that is inside the
 *   unwinder (loader_answer_privately) is answered here, without the loader's lock.
 * - dlclose: addresses change their meaning there, and this is the one moment at which that can be seen. */
#ifndef HEAPTAP_PROFILER_LOADER_H
#define HEAPTAP_PROFILER_LOADER_H

#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dl_find_object;

typedef int (*loader_visit)(struct dl_phdr_info *info, size_t size, void *data);

/* Finds the C library's functions behind ours, and _dl_find_object where it exists. At start, outside malloc. */
void loader_start(void);

/* Until it is set back, this thread's dl_iterate_phdr is answered without the loader's lock, for the one object that
 * holds the address in the first word of `data`, which is how libunwind's callback data begin. */
void loader_answer_privately(bool on);
/* How many such questions were asked, and answered, by this thread; tells whether an unwinder asks in the way expected. */
uint64_t loader_private_answers(void);

/* Every loaded object, under the loader's lock. Never inside malloc. */
int loader_visit_objects(loader_visit visit, void *data);

/* The object that holds `address`, without a lock; false where there is none. May run inside malloc. */
bool loader_find_object(uintptr_t address, struct dl_phdr_info *info);

/* Called around each dlclose of the program, outside malloc. Set once at start. */
void loader_on_unload(void (*before)(void), void (*after)(void));

#endif
