/* Where the file of a mapping may lie on this machine, and where its debug information: names only, nothing is
 * opened here. */
#ifndef HEAPTAP_SYMBOLIZER_PLACES_H
#define HEAPTAP_SYMBOLIZER_PLACES_H

#include <stdbool.h>
#include <stddef.h>

#include "symbolizer/build_id.h"

/* Directories that the user names. */
struct module_search {
    const char *const *dirs;
    size_t dir_count;
};

/* What a candidate is, for a file whose build id cannot prove that it is the right one. */
enum place_kind {
    PLACE_MAPPED, /* the path that the profile names */
    PLACE_GIVEN,  /* in a directory of the user's */
    PLACE_SYSTEM,
};

/* Hears one candidate; true ends the walk. */
typedef bool (*place_try)(void *context, const char *path, enum place_kind kind);

/* The mapped file. True where a candidate ended the walk. */
bool places_walk_binary(const char *path, const struct build_id *id, const struct module_search *search, place_try try,
                        void *context);
/* The debug file of the binary at `path`; `link` is what its debug link names, or NULL. */
bool places_walk_debug(const char *path, const struct build_id *id, const char *link,
                       const struct module_search *search, place_try try, void *context);
/* What several debug files share (dwz): `name` is as the debug file at `path` names it. */
bool places_walk_shared(const char *path, const struct build_id *id, const char *name,
                        const struct module_search *search, place_try try, void *context);

#endif
