/* What a client can cost: it has a place in a table of 16 and two seconds to send its line. Its bytes are read as they
 * come, the answer is written at once (it fits into the socket's buffer) or not at all, and nothing waits for anybody.
 * When the table is full the one that is there longest has to go: a client that sends its line with its connection is
 * answered however many others hold connections open and say nothing.
 *
 *   loop: 1. sleep until a connection or bytes come, or the oldest connection's time is over.  2. take new connections,
 *   16 at most.  3. read from each that has something; a whole line is answered, and the connection closed.  4. close
 *   those whose time is over.
 *
 * Locks: none. Allocation: none; the table lies on the thread's stack. */
#include "profiler/control_server.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/os.h"
#include "profiler/control_calls.h"

#define SECOND ((int64_t)1000000000)

enum { CONNECTIONS = 16, PATIENCE_SECONDS = 2 };

struct connection {
    int fd; /* -1 = free */
    int64_t ends;
    size_t length;
    char *line; /* CONTROL_LINE_MAX bytes, apart from this, since most are never touched */
};

static const struct timespec breath = {.tv_nsec = 10000000};

static void close_connection(struct connection *connection) {
    close(connection->fd);
    connection->fd = -1;
}

static void reply(const struct connection *connection, const char *text) {
    call_send(connection->fd, text, strlen(text));
}

/* NULL when there is none from `begin` on. */
static char *end_of_line(struct connection *connection, size_t begin) {
    for (size_t i = begin; i < connection->length; i++) {
        if (connection->line[i] == '\n')
            return connection->line + i;
    }
    return NULL;
}

/* True when the connection is at its end. */
static bool read_connection(struct connection *connection, control_answer answer) {
    static const char too_long[] = "error the line is too long\n", bad_byte[] = "error the line has a NUL in it\n";
    char text[CONTROL_ANSWER_MAX];
    ssize_t n =
        call_receive(connection->fd, connection->line + connection->length, CONTROL_LINE_MAX - connection->length);
    if (n < 0)
        return errno != EAGAIN && errno != EINTR;
    size_t begin = connection->length;
    connection->length += (size_t)n;
    char *end = end_of_line(connection, begin);
    if (!end && n == 0)
        return true;
    if (!end) {
        if (connection->length < CONTROL_LINE_MAX)
            return false;
        reply(connection, too_long);
        return true;
    }
    *end = '\0';
    if (strlen(connection->line) != (size_t)(end - connection->line)) {
        reply(connection, bad_byte);
        return true;
    }
    answer(connection->line, text);
    reply(connection, text);
    return true;
}

static struct connection *place_for_new(struct connection *connections) {
    struct connection *oldest = connections;
    for (int i = 0; i < CONNECTIONS; i++) {
        if (connections[i].fd < 0)
            return &connections[i];
        if (connections[i].ends < oldest->ends)
            oldest = &connections[i];
    }
    close_connection(oldest);
    return oldest;
}

static void accept_some(const struct control_socket *socket, struct connection *connections, control_answer answer) {
    for (int i = 0; i < CONNECTIONS && control_socket_is_open(socket); i++) {
        int fd = control_socket_accept(socket);
        if (fd < 0 && errno == EACCES)
            continue;
        if (fd < 0) {
            if (errno != EAGAIN)
                nanosleep(&breath, NULL); /* no descriptors, or no memory */
            return;
        }
        struct connection *connection = place_for_new(connections);
        connection->fd = fd;
        connection->ends = os_now() + PATIENCE_SECONDS * SECOND;
        connection->length = 0;
        if (read_connection(connection, answer))
            close_connection(connection);
    }
}

/* For poll: until the first connection's time is over; NULL without a connection. */
static struct timespec *time_left(const struct connection *connections, struct timespec *out) {
    int64_t least = INT64_MAX, now = os_now();
    for (int i = 0; i < CONNECTIONS; i++) {
        if (connections[i].fd >= 0 && connections[i].ends < least)
            least = connections[i].ends;
    }
    int64_t left = least > now ? least - now : 0;
    *out = (struct timespec){left / SECOND, left % SECOND};
    return least == INT64_MAX ? NULL : out;
}

static void serve(struct connection *connections, const struct pollfd *polled, control_answer answer) {
    int64_t now = os_now();
    for (int i = 0; i < CONNECTIONS; i++) {
        struct connection *connection = &connections[i];
        if (connection->fd < 0)
            continue;
        bool ended = polled[i].fd == connection->fd && polled[i].revents && read_connection(connection, answer);
        if (ended || now >= connection->ends)
            close_connection(connection);
    }
}

void control_server_run(const struct control_socket *socket, control_answer answer) {
    struct connection connections[CONNECTIONS];
    struct pollfd polled[CONNECTIONS + 1];
    char lines[CONNECTIONS][CONTROL_LINE_MAX];
    for (int i = 0; i < CONNECTIONS; i++)
        connections[i] = (struct connection){.fd = -1, .line = lines[i]};
    while (control_socket_is_open(socket)) {
        for (int i = 0; i < CONNECTIONS; i++)
            polled[i] = (struct pollfd){.fd = connections[i].fd, .events = POLLIN};
        polled[CONNECTIONS] = (struct pollfd){.fd = socket->fd, .events = POLLIN};
        struct timespec left;
        int ready = call_poll(polled, CONNECTIONS + 1, time_left(connections, &left));
        if (ready < 0 && errno != EINTR)
            nanosleep(&breath, NULL);
        if (ready >= 0)
            serve(connections, polled, answer);
        if (ready > 0 && polled[CONNECTIONS].revents)
            accept_some(socket, connections, answer);
    }
    for (int i = 0; i < CONNECTIONS; i++) {
        if (connections[i].fd >= 0)
            close_connection(&connections[i]);
    }
}
