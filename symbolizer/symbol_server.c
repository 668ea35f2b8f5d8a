/* libdebuginfod does the work: HTTP, several servers at a time, a cache on disk that also remembers what no server had.
 * It is loaded when first needed, because it brings an HTTP library along that a local symbolization has no use for.
 * What is added here is patience with an end:
 *
 *   1. a fetch calls back about once a second: with a count of turns while no server has answered, then with the
 *      bytes so far
 *   2. two seconds after the begin, and then every five, the user hears what is being waited for
 *   3. where less than a kilobyte a second came during the last ten seconds (or what DEBUGINFOD_TIMEOUT says), the
 *      fetch is broken off, and no server is asked again by this process; libdebuginfod keeps the answer "not found" in
 *      its cache for some minutes
 *   4. a server that refuses the connection ends it at once
 *
 * Locks: none. Allocates with malloc. */
#include "symbolizer/symbol_server.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PATIENCE_SECONDS = 10, LEAST_BYTES_A_SECOND = 1024, FIRST_WORD_SECONDS = 2, NEXT_WORD_SECONDS = 5 };

struct debuginfod_client;

/* What is used of libdebuginfod, by its names. */
struct client_api {
    struct debuginfod_client *(*begin)(void);
    void (*end)(struct debuginfod_client *client);
    int (*find_executable)(struct debuginfod_client *client, const unsigned char *id, int length, char **path);
    int (*find_debuginfo)(struct debuginfod_client *client, const unsigned char *id, int length, char **path);
    void (*set_progressfn)(struct debuginfod_client *client,
                           int (*progress)(struct debuginfod_client *client, long done, long total));
    const char *(*get_url)(struct debuginfod_client *client);
};

struct symbol_server {
    struct notice notice;
    char *urls;
    int64_t patience; /* seconds */
    void *library;
    struct client_api api;
    struct debuginfod_client *client;
    bool is_dead;
    /* Of the fetch that goes on. */
    const char *subject;
    int64_t next_word;    /* when to tell the user again */
    int64_t window_end;   /* when to look at what came since the last look */
    int64_t window_bytes; /* what had come then */
    bool is_given_up;
};

/* The fetch that goes on in this thread: libdebuginfod hands nothing but its client to the callback. */
static _Thread_local struct symbol_server *fetching;

static int64_t now_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

static void tell(const struct symbol_server *server, long bytes) {
    char text[120];
    if (bytes > 0)
        snprintf(text, sizeof text, "is being downloaded from a debuginfod server: %.1f MiB so far",
                 (double)bytes / (1 << 20));
    else
        snprintf(text, sizeof text, "is being asked for at the debuginfod servers");
    notice_say(&server->notice, server->subject, text);
}

/* libdebuginfod breaks off when this is not 0. Before a server has answered, `done` counts turns. */
static int on_progress(struct debuginfod_client *client, long done, long total) {
    struct symbol_server *server = fetching;
    const char *url = server->api.get_url(client);
    bool is_receiving = total > 0 || (url && *url);
    int64_t bytes = is_receiving ? done : 0, now = now_seconds();
    if (now >= server->next_word) {
        tell(server, bytes);
        server->next_word = now + NEXT_WORD_SECONDS;
    }
    /* After libdebuginfod's own time is over it begins anew: once given up, it stays so. */
    if (now < server->window_end || server->is_given_up)
        return server->is_given_up;
    server->is_given_up = bytes - server->window_bytes < server->patience * LEAST_BYTES_A_SECOND;
    server->window_end = now + server->patience;
    server->window_bytes = bytes;
    return server->is_given_up;
}

static bool find_function(struct symbol_server *server, const char *name, void *function, size_t size) {
    void *address = dlsym(server->library, name);
    memcpy(function, &address, size);
    return address != NULL;
}

#define FIND_FUNCTION(server, name)                                                                                    \
    find_function(server, "debuginfod_" #name, &(server)->api.name, sizeof(server)->api.name)

/* False where libdebuginfod is not installed or too old. */
static bool load_client(struct symbol_server *server) {
    server->library = dlopen("libdebuginfod.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!server->library || !FIND_FUNCTION(server, begin) || !FIND_FUNCTION(server, end) ||
        !FIND_FUNCTION(server, find_executable) || !FIND_FUNCTION(server, find_debuginfo) ||
        !FIND_FUNCTION(server, set_progressfn) || !FIND_FUNCTION(server, get_url))
        return false;
    server->client = server->api.begin();
    if (server->client)
        server->api.set_progressfn(server->client, on_progress);
    return server->client != NULL;
}

struct symbol_server *symbol_server_open(const struct notice *notice) {
    struct symbol_server *server = calloc(1, sizeof *server);
    const char *urls = getenv("DEBUGINFOD_URLS"), *timeout = getenv("DEBUGINFOD_TIMEOUT");
    if (!server)
        return NULL;
    server->notice = *notice;
    server->is_dead = !urls || !urls[strspn(urls, " ")];
    server->urls = strdup(server->is_dead ? "" : urls);
    long seconds = timeout ? strtol(timeout, NULL, 10) : 0;
    server->patience = seconds > 0 ? seconds : PATIENCE_SECONDS;
    if (server->urls)
        return server;
    free(server);
    return NULL;
}

void symbol_server_close(struct symbol_server *server) {
    if (!server)
        return;
    if (server->client)
        server->api.end(server->client);
    /* The library stays loaded: its HTTP library does not survive being unloaded. */
    free(server->urls);
    free(server);
}

/* True for what no other file would be spared by asking again. */
static bool is_out_of_reach(int error) {
    return error == ECONNREFUSED || error == EHOSTUNREACH || error == ENETUNREACH || error == ECONNRESET ||
           error == ETIME || error == EINVAL;
}

static void give_up(struct symbol_server *server, int error) {
    char text[160];
    if (server->is_given_up)
        snprintf(text, sizeof text, "did not send anything for %ld seconds; going on without debuginfod",
                 (long)server->patience);
    else
        snprintf(text, sizeof text, "cannot be asked: %s; going on without debuginfod", strerror(error));
    server->is_dead = true;
    notice_say(&server->notice, server->urls, text);
}

int symbol_server_fetch(struct symbol_server *server, const struct build_id *id, enum symbol_server_kind kind,
                        const char *subject, char **path) {
    if (server->is_dead || !id->length)
        return -1;
    if (!server->client && !load_client(server)) {
        server->is_dead = true;
        notice_say(&server->notice, server->urls, "cannot be asked: libdebuginfod.so.1 is not installed");
        return -1;
    }
    int64_t now = now_seconds();
    server->subject = subject;
    server->next_word = now + FIRST_WORD_SECONDS;
    server->window_end = now + server->patience;
    server->window_bytes = 0;
    server->is_given_up = false;
    fetching = server;
    int fd = (kind == SYMBOL_SERVER_BINARY ? server->api.find_executable : server->api.find_debuginfo)(
        server->client, id->bytes, (int)id->length, path);
    fetching = NULL;
    if (fd < 0 && (server->is_given_up || is_out_of_reach(-fd)))
        give_up(server, -fd);
    return fd < 0 ? -1 : fd;
}
