/* The servers that DEBUGINFOD_URLS names, asked for files by build id. Without that variable there is no network: the
 * library that would do it is not even loaded. */
#ifndef HEAPTAP_SYMBOLIZER_SYMBOL_SERVER_H
#define HEAPTAP_SYMBOLIZER_SYMBOL_SERVER_H

#include "symbolizer/build_id.h"
#include "symbolizer/notice.h"

struct symbol_server;

enum symbol_server_kind { SYMBOL_SERVER_BINARY, SYMBOL_SERVER_DEBUG };

/* Hears a server that does not answer, once, and downloads that take more than two seconds. NULL when there is no
 * memory; without servers, an object that finds nothing. */
struct symbol_server *symbol_server_open(const struct notice *notice);
void symbol_server_close(struct symbol_server *server);

/* An open file and, in *path, its place in the cache, to be freed; or -1. `subject` is what the file is for. The file
 * is whatever the server sent: the caller compares its build id. */
int symbol_server_fetch(struct symbol_server *server, const struct build_id *id, enum symbol_server_kind kind,
                        const char *subject, char **path);

#endif
