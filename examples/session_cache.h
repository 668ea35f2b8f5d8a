/* Sessions of the example service, kept so that a client that lost its connection can resume. Nothing ever
 * takes one out: this is the leak that the profile has to name. */
#ifndef EXAMPLES_SESSION_CACHE_H
#define EXAMPLES_SESSION_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct session_cache;
struct session;

/* NULL when there is no memory. */
struct session_cache *session_cache_create(void);
void session_cache_destroy(struct session_cache *cache);

/* A new session, which the cache owns. NULL when there is no memory. */
struct session *session_cache_insert(struct session_cache *cache, const char *peer);
/* NULL when there is no such session. */
struct session *session_cache_find(struct session_cache *cache, uint64_t id);
size_t session_cache_count(struct session_cache *cache);

uint64_t session_id(const struct session *session);
/* Remembers a command, over the oldest one; how many the session has seen. */
uint64_t session_record(struct session_cache *cache, struct session *session, const char *command);

#endif
