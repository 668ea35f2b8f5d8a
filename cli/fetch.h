/* Profiles from servers: http://HOST[:PORT][/PATH], https:// and unix:SOCKET[:/PATH]. Where there is no path it is
 * /debug/pprof/heap. */
#ifndef HEAPTAP_CLI_FETCH_H
#define HEAPTAP_CLI_FETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FETCH_ERROR_SIZE = 2400, FETCH_NAME_SIZE = 1024 };

struct fetch_settings {
    uint64_t timeout;    /* of the whole, in nanoseconds; 0 = a minute */
    uint64_t most;       /* bytes; 0 = 1 GiB */
    const char *ca_file; /* certificates that servers of https are trusted by; NULL = the system's */
};

bool fetch_is_url(const char *name);

/* A descriptor, the caller's, of a file in memory that holds what the server sent, to be read from its begin; or -1 and
 * one line such as "cannot fetch 'http://host:6060': HTTP status 404". Says how far it is, on standard error, where
 * that is a terminal and it takes more than two seconds. */
int fetch_open(const char *url, const struct fetch_settings *settings, char error[FETCH_ERROR_SIZE]);

/* The URL to be shown: without user and password, cleaned of control characters. Returns `out`. */
char *fetch_name(const char *url, char out[FETCH_NAME_SIZE]);

#endif
