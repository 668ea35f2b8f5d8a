/* The dynamic loader's view of what is loaded, with and without its lock.
 *
 * An unwinder calls dl_iterate_phdr while it holds a lock of its own. On another thread dlopen holds the
 * loader's lock, allocates, is sampled and wants the unwinder's lock: each waits for the other. So the
 * unwinder's import of that name is led to loader_answer, which takes no lock.
 *
 * dlclose is exported by libheaptap.so and comes here: addresses change their meaning there, and it is the
 * one moment at which that can be seen. */
#ifndef HEAPTAP_PROFILER_LOADER_H
#define HEAPTAP_PROFILER_LOADER_H

#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef int (*loader_visit)(struct dl_phdr_info *info, size_t size, void *data);

/* Finds the C library's functions behind ours, and _dl_find_object where it exists. At start, outside malloc.
 */
void loader_start(void);

/* Objects that are loaded now came with the program and are not unloaded. At start, before anything else was loaded. */
void loader_note_startup(void);

/* As dl_iterate_phdr, without the loader's lock, for the one object that holds the address in the first word
 * of `data`, which is how libunwind's callback data begin. */
int loader_answer(loader_visit visit, void *data);
/* While set, loader_answer asks nobody else where it knows of no such object. For this thread. */
void loader_must_not_wait(bool on);
/* How many questions this thread got answered: tells whether an unwinder asks in the way expected. */
uint64_t loader_answers(void);

/* Every loaded object, under the loader's lock. Never inside malloc. */
int loader_visit_objects(loader_visit visit, void *data);

/* The directory of an object when it was loaded; false where the loader does not tell. `path` has room for PATH_MAX.
 * While the object stays. */
bool loader_origin(const struct dl_phdr_info *info, char *path);

/* How many objects have been unloaded. Takes the loader's lock: never inside malloc. */
uint64_t loader_unload_count(void);

/* The object that holds `address`, without a lock; false where there is none. May run inside malloc. */
bool loader_find_object(uintptr_t address, struct dl_phdr_info *info);

/* Which object holds `address`, without a lock and without a look into the object. False where there is none,
 * or no lookup of that kind. May run inside malloc and in a signal handler. */
struct loader_identity {
    uintptr_t start, limit, link_map, tables; /* tables: .eh_frame_hdr */
    bool is_permanent;                        /* the program, what came with it, or us: not unloaded */
};

bool loader_identify(uintptr_t address, struct loader_identity *object);
bool loader_has_lookup(void);

/* The C library's dlclose, with the two calls around it. */
int loader_close(void *handle);

/* Whether another thread is inside dlclose: what it unloads may be gone, and something else at its place, before
 * anybody has been told. May run inside malloc and in a signal handler. */
bool loader_is_unloading_elsewhere(void);
void loader_fork_child(void);

/* Called around each dlclose of the program, outside malloc. Set once at start. */
void loader_on_unload(void (*before)(void), void (*after)(void));

#endif
