/* The separate file with the debug information of a stripped binary, and the one that several such files share. A file
 * is taken only when it proves that it belongs: by its build id, or, for a binary without one, by the checksum in the
 * binary's debug link. */
#ifndef HEAPTAP_SYMBOLIZER_DEBUG_FILE_H
#define HEAPTAP_SYMBOLIZER_DEBUG_FILE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "symbolizer/build_id.h"
#include "symbolizer/places.h"
#include "symbolizer/symbol_server.h"

/* Where to look and whom to tell. */
struct search {
    struct module_search places;
    struct symbol_server *server;
    struct notice notice;
};

/* What a binary says of its debug file. */
struct debug_link {
    const char *name; /* NULL: nothing. Lives as long as the binary is open */
    uint32_t checksum;
};
/* What a debug file says of the one it shares with others. */
struct shared_link {
    char name[PATH_MAX]; /* "": nothing */
    struct build_id id;
};

void debug_file_read_shared_link(struct Elf *elf, struct shared_link *link);

/* Each gives an open file and its path, to be freed, or -1. `path` is the binary that has the debug link, or the debug
 * file that has the shared link. */
int debug_file_open(const struct search *search, const char *path, const struct build_id *id,
                    const struct debug_link *link, char **found);
int debug_file_open_shared(const struct search *search, const char *path, const struct shared_link *link, char **found);

#endif
