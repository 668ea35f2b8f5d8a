/* A table that only grows: session number N is at place N - 1. The missing half is eviction; a real service
 * would drop sessions by age.
 *
 * Locks: one mutex over the table and the contents of every session. Allocation: the table, and each session.
 */
#include "examples/session_cache.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { HISTORY = 24, COMMAND_BYTES = 80, PEER_BYTES = 48 };

struct session {
    uint64_t id; /* from 1; never changes */
    uint64_t commands;
    char peer[PEER_BYTES];
    char history[HISTORY][COMMAND_BYTES]; /* a ring: command n is at n % HISTORY */
};

struct session_cache {
    pthread_mutex_t lock;
    struct session **sessions;
    size_t count;
    size_t capacity;
};

struct session_cache *session_cache_create(void) {
    struct session_cache *cache = calloc(1, sizeof *cache);
    if (cache)
        pthread_mutex_init(&cache->lock, NULL);
    return cache;
}

void session_cache_destroy(struct session_cache *cache) {
    for (size_t i = 0; i < cache->count; i++)
        free(cache->sessions[i]);
    free(cache->sessions);
    pthread_mutex_destroy(&cache->lock);
    free(cache);
}

static bool table_reserve(struct session_cache *cache) {
    if (cache->count < cache->capacity)
        return true;
    size_t capacity = cache->capacity ? cache->capacity * 2 : 64;
    struct session **sessions = realloc(cache->sessions, capacity * sizeof(struct session *));
    if (!sessions)
        return false;
    cache->sessions = sessions;
    cache->capacity = capacity;
    return true;
}

struct session *session_cache_insert(struct session_cache *cache, const char *peer) {
    struct session *session = calloc(1, sizeof *session);
    if (!session)
        return NULL;
    snprintf(session->peer, sizeof session->peer, "%s", peer);

    pthread_mutex_lock(&cache->lock);
    bool kept = table_reserve(cache);
    if (kept) {
        cache->sessions[cache->count++] = session;
        session->id = cache->count;
    }
    pthread_mutex_unlock(&cache->lock);

    if (kept)
        return session;
    free(session);
    return NULL;
}

struct session *session_cache_find(struct session_cache *cache, uint64_t id) {
    pthread_mutex_lock(&cache->lock);
    struct session *session = id >= 1 && id <= cache->count ? cache->sessions[id - 1] : NULL;
    pthread_mutex_unlock(&cache->lock);
    return session;
}

size_t session_cache_count(struct session_cache *cache) {
    pthread_mutex_lock(&cache->lock);
    size_t count = cache->count;
    pthread_mutex_unlock(&cache->lock);
    return count;
}

uint64_t session_id(const struct session *session) { return session->id; }

uint64_t session_record(struct session_cache *cache, struct session *session, const char *command) {
    pthread_mutex_lock(&cache->lock);
    snprintf(session->history[session->commands % HISTORY], COMMAND_BYTES, "%s", command);
    uint64_t commands = ++session->commands;
    pthread_mutex_unlock(&cache->lock);
    return commands;
}
