/* leaky_service: a small key-value service that leaks, to be looked at with a heap profiler. It knows of
 * none.
 *
 *   leaky_service [PORT]        PORT 0 or none: a free one. Prints `listening on 127.0.0.1:PORT`.
 *
 * A line in, a line out:
 *   SET key value    OK                   GET key     VALUE value | NOT_FOUND
 *   DEL key          OK | NOT_FOUND       STATS       {"keys":...}
 *   SESSION          SESSION id           RESUME id   OK commands | NOT_FOUND
 *   QUIT             BYE
 *
 * Why a fixed pool that blocks in accept(2): the simplest thing with real threads, and no memory that comes
 * and goes with them.
 *
 *   1. Every worker accepts a connection for itself and gives it a session.
 *   2. It reads lines, runs each one, and writes the answer.
 *   3. SIGTERM or SIGINT: main wakes all workers by shutting their sockets down, joins them, and frees
 * everything.
 *
 * Locks: worker.lock guards worker.socket; the stores have their own. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "examples/json_text.h"
#include "examples/kv_store.h"
#include "examples/log_ring.h"
#include "examples/session_cache.h"

enum { WORKERS = 8, LINE_BYTES = 8192, LOG_LINES = 1024 };

struct service {
    int listener;
    atomic_bool stopping;
    atomic_uint_fast64_t commands;
    struct kv_store *store;
    struct session_cache *sessions;
    struct log_ring *log;
};

struct worker {
    pthread_t thread;
    struct service *service;
    pthread_mutex_t lock;
    int socket; /* of the connection being served, else -1; under lock */
};

struct connection {
    struct service *service;
    struct session *session;
    FILE *in;
    FILE *out;
};

static void answer_stats(struct connection *c) {
    size_t keys, value_bytes;
    struct json_text json;
    kv_store_size(c->service->store, &keys, &value_bytes);
    char *newest = log_ring_newest(c->service->log);
    json_text_begin(&json);
    json_text_number(&json, "keys", keys);
    json_text_number(&json, "value_bytes", value_bytes);
    json_text_number(&json, "sessions", session_cache_count(c->service->sessions));
    json_text_number(&json, "commands", atomic_load(&c->service->commands));
    json_text_string(&json, "newest", newest ? newest : "");
    char *text = json_text_end(&json);
    fprintf(c->out, "%s\n", text ? text : "ERROR out of memory");
    free(text);
    free(newest);
}

static void answer_get(struct connection *c, const char *key) {
    char *value = kv_store_get(c->service->store, key);
    if (value)
        fprintf(c->out, "VALUE %s\n", value);
    else
        fputs("NOT_FOUND\n", c->out);
    free(value);
}

static void answer_resume(struct connection *c, const char *id) {
    struct session *session = session_cache_find(c->service->sessions, strtoull(id, NULL, 10));
    if (!session) {
        fputs("NOT_FOUND\n", c->out);
        return;
    }
    c->session = session;
    uint64_t commands = session_record(c->service->sessions, session, "RESUME");
    fprintf(c->out, "OK %llu\n", (unsigned long long)commands);
}

/* Runs one line; false when the connection is over. */
static bool run_command(struct connection *c, char *line) {
    char *save;
    const char *verb = strtok_r(line, " ", &save);
    const char *key = strtok_r(NULL, " ", &save);
    const char *value = strtok_r(NULL, "", &save);
    struct service *service = c->service;
    atomic_fetch_add(&service->commands, 1);
    if (verb)
        session_record(service->sessions, c->session, verb);
    log_ring_add(service->log, "session %llu: %s %s", (unsigned long long)session_id(c->session), verb ? verb : "",
                 key ? key : "");

    if (verb && strcmp(verb, "SET") == 0 && key && value)
        fputs(kv_store_set(service->store, key, value) ? "OK\n" : "ERROR out of memory\n", c->out);
    else if (verb && strcmp(verb, "GET") == 0 && key)
        answer_get(c, key);
    else if (verb && strcmp(verb, "DEL") == 0 && key)
        fputs(kv_store_delete(service->store, key) ? "OK\n" : "NOT_FOUND\n", c->out);
    else if (verb && strcmp(verb, "STATS") == 0)
        answer_stats(c);
    else if (verb && strcmp(verb, "SESSION") == 0)
        fprintf(c->out, "SESSION %llu\n", (unsigned long long)session_id(c->session));
    else if (verb && strcmp(verb, "RESUME") == 0 && key)
        answer_resume(c, key);
    else if (verb && strcmp(verb, "QUIT") == 0)
        fputs("BYE\n", c->out);
    else
        fputs("ERROR unknown command\n", c->out);
    return fflush(c->out) == 0 && !(verb && strcmp(verb, "QUIT") == 0);
}

/* A line longer than the buffer ends the connection: what follows it would be taken for a command. */
static void serve_lines(struct connection *c) {
    char *line = malloc(LINE_BYTES);
    while (line && fgets(line, LINE_BYTES, c->in)) {
        char *end = strpbrk(line, "\r\n");
        if (!end)
            break;
        *end = '\0';
        if (!run_command(c, line))
            break;
    }
    free(line);
}

/* Owns `socket` and closes it. */
static void serve_connection(struct service *service, int socket, const char *peer) {
    int copy = dup(socket);
    struct connection c = {.service = service, .in = fdopen(socket, "r"), .out = copy < 0 ? NULL : fdopen(copy, "w")};
    c.session = session_cache_insert(service->sessions, peer);
    if (c.in && c.out && c.session)
        serve_lines(&c);
    if (c.out)
        fclose(c.out);
    else if (copy >= 0)
        close(copy);
    if (c.in)
        fclose(c.in);
    else
        close(socket);
}

static void worker_publish_socket(struct worker *worker, int socket) {
    pthread_mutex_lock(&worker->lock);
    worker->socket = socket;
    pthread_mutex_unlock(&worker->lock);
}

static void *worker_main(void *argument) {
    struct worker *worker = argument;
    struct service *service = worker->service;
    while (!atomic_load(&service->stopping)) {
        struct sockaddr_in address = {0};
        socklen_t size = sizeof address;
        int socket = accept(service->listener, (struct sockaddr *)&address, &size);
        if (socket < 0)
            continue;
        char peer[INET_ADDRSTRLEN + 8], host[INET_ADDRSTRLEN];
        inet_ntop(AF_INET, &address.sin_addr, host, sizeof host);
        snprintf(peer, sizeof peer, "%s:%u", host, (unsigned)ntohs(address.sin_port));
        int watched = dup(socket); /* so that main never shuts a number down that somebody else has by now */
        worker_publish_socket(worker, watched);
        if (!atomic_load(&service->stopping))
            serve_connection(service, socket, peer);
        else
            close(socket);
        worker_publish_socket(worker, -1);
        if (watched >= 0)
            close(watched);
    }
    return NULL;
}

static int listen_on_loopback(uint16_t port) {
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    socklen_t size = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (listener < 0 || setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(listener, (struct sockaddr *)&address, size) != 0 || listen(listener, 64) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) != 0)
        return -1;
    printf("listening on 127.0.0.1:%u\n", (unsigned)ntohs(address.sin_port));
    fflush(stdout);
    return listener;
}

static bool start_workers(struct service *service, struct worker *workers) {
    for (size_t i = 0; i < WORKERS; i++) {
        workers[i] = (struct worker){.service = service, .lock = PTHREAD_MUTEX_INITIALIZER, .socket = -1};
        if (pthread_create(&workers[i].thread, NULL, worker_main, &workers[i]) != 0)
            return false;
    }
    return true;
}

static void stop_workers(struct service *service, struct worker *workers) {
    atomic_store(&service->stopping, true);
    shutdown(service->listener, SHUT_RDWR);
    for (size_t i = 0; i < WORKERS; i++) {
        pthread_mutex_lock(&workers[i].lock);
        if (workers[i].socket >= 0)
            shutdown(workers[i].socket, SHUT_RDWR);
        pthread_mutex_unlock(&workers[i].lock);
    }
    for (size_t i = 0; i < WORKERS; i++)
        pthread_join(workers[i].thread, NULL);
}

int main(int argc, char **argv) {
    struct service service = {
        .store = kv_store_create(), .sessions = session_cache_create(), .log = log_ring_create(LOG_LINES)};
    static struct worker workers[WORKERS];
    sigset_t stop;
    int caught;
    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGINT);
    pthread_sigmask(SIG_BLOCK, &stop, NULL);
    signal(SIGPIPE, SIG_IGN);

    service.listener = listen_on_loopback(argc > 1 ? (uint16_t)atoi(argv[1]) : 0);
    if (service.listener < 0) {
        fprintf(stderr, "leaky_service: cannot listen: %s\n", strerror(errno));
        return 1;
    }
    if (!service.store || !service.sessions || !service.log || !start_workers(&service, workers)) {
        fprintf(stderr, "leaky_service: cannot start: out of memory\n");
        return 1;
    }
    sigwait(&stop, &caught);
    stop_workers(&service, workers);
    close(service.listener);
    kv_store_destroy(service.store);
    session_cache_destroy(service.sessions);
    log_ring_destroy(service.log);
    return 0;
}
