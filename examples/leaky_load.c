/* leaky_load: drives leaky_service and checks every answer.
 *
 *   leaky_load PORT CONNECTIONS COMMANDS [KEYS]
 *
 * CONNECTIONS are made one after the other by each of 4 threads (a quarter each); every one sends COMMANDS:
 * sets, gets and deletes of KEYS keys (2,000 without the argument), and one STATS. The value of a key is a
 * function of the key, so a GET that finds one knows what it must be, whatever the other threads do.
 *
 * Exit: 0 every answer was right, 1 one was not or the service went away, 2 usage. Prints one line. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { THREADS = 4, VALUE_MAX = 600, LINE_BYTES = 8192 };

struct load {
    uint16_t port;
    unsigned connections;
    unsigned commands;
    unsigned keys;
    atomic_uint_fast64_t sent;
    atomic_uint_fast64_t found;
    atomic_uint_fast64_t wrong;
};

struct client {
    struct load *load;
    unsigned number;
    uint64_t random;
    FILE *in;
    FILE *out;
};

/* xorshift64*: enough to choose keys and commands. */
static uint64_t next_random(uint64_t *state) {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545f4914f6cdd1dull;
}

static void make_value(char *value, unsigned key) {
    size_t length = 20 + key * 7919u % (VALUE_MAX - 20);
    for (size_t i = 0; i < length; i++)
        value[i] = (char)('a' + (key + i) % 26);
    value[length] = '\0';
}

/* One line out, one line in, without its newline; false when the service is gone. */
static bool ask(struct client *client, char *answer, const char *verb, const char *key, const char *value) {
    fprintf(client->out, "%s%s%s%s%s\n", verb, *key ? " " : "", key, *value ? " " : "", value);
    if (fflush(client->out) != 0 || !fgets(answer, LINE_BYTES, client->in))
        return false;
    answer[strcspn(answer, "\n")] = '\0';
    atomic_fetch_add(&client->load->sent, 1);
    return true;
}

static bool is_right(struct load *load, unsigned choice, const char *answer, const char *value) {
    if (choice < 40)
        return strcmp(answer, "OK") == 0;
    if (choice >= 95)
        return strcmp(answer, "OK") == 0 || strcmp(answer, "NOT_FOUND") == 0;
    bool found = strncmp(answer, "VALUE ", 6) == 0;
    if (found)
        atomic_fetch_add(&load->found, 1);
    return found ? strcmp(answer + 6, value) == 0 : strcmp(answer, "NOT_FOUND") == 0;
}

/* 40 of 100 are SET, 5 are DEL, the rest GET. */
static bool one_command(struct client *client, char *answer) {
    struct load *load = client->load;
    unsigned key = (unsigned)(next_random(&client->random) % load->keys);
    unsigned choice = (unsigned)(next_random(&client->random) % 100);
    char name[32], value[VALUE_MAX];
    snprintf(name, sizeof name, "key:%u", key);
    make_value(value, key);
    bool set = choice < 40;
    if (!ask(client, answer, set ? "SET" : choice < 95 ? "GET" : "DEL", name, set ? value : ""))
        return false;
    if (!is_right(load, choice, answer, value))
        atomic_fetch_add(&load->wrong, 1);
    return true;
}

static bool one_connection(struct client *client) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(client->load->port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int socket_fd = socket(AF_INET, SOCK_STREAM, 0);
    char *answer = malloc(LINE_BYTES);
    bool alive = answer && socket_fd >= 0 && connect(socket_fd, (struct sockaddr *)&address, sizeof address) == 0;
    client->in = fdopen(socket_fd, "r");
    client->out = fdopen(dup(socket_fd), "w");
    alive = alive && client->in && client->out;
    for (unsigned i = 0; alive && i < client->load->commands; i++)
        alive = one_command(client, answer);
    alive = alive && ask(client, answer, "STATS", "", "") && *answer == '{';
    alive = alive && ask(client, answer, "QUIT", "", "") && strcmp(answer, "BYE") == 0;
    if (client->in)
        fclose(client->in);
    if (client->out)
        fclose(client->out);
    free(answer);
    return alive;
}

static void *client_main(void *argument) {
    struct client *client = argument;
    for (unsigned i = client->number; i < client->load->connections; i += THREADS) {
        if (!one_connection(client)) {
            atomic_fetch_add(&client->load->wrong, 1);
            break;
        }
    }
    return NULL;
}

int main(int argc, char **argv) {
    if (argc < 4 || argc > 5) {
        fprintf(stderr, "usage: leaky_load PORT CONNECTIONS COMMANDS [KEYS]\n");
        return 2;
    }
    struct load load = {.port = (uint16_t)atoi(argv[1]),
                        .connections = (unsigned)atoi(argv[2]),
                        .commands = (unsigned)atoi(argv[3]),
                        .keys = argc > 4 ? (unsigned)atoi(argv[4]) : 2000};
    struct client clients[THREADS];
    pthread_t threads[THREADS];
    if (!load.keys) {
        fprintf(stderr, "leaky_load: KEYS must be at least 1\n");
        return 2;
    }
    for (unsigned i = 0; i < THREADS; i++) {
        clients[i] = (struct client){.load = &load, .number = i, .random = 0x9e3779b97f4a7c15ull * (i + 1)};
        if (pthread_create(&threads[i], NULL, client_main, &clients[i]) != 0) {
            fprintf(stderr, "leaky_load: cannot start a thread\n");
            return 1;
        }
    }
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    printf("%llu commands sent, %llu values found, %llu wrong answers\n", (unsigned long long)load.sent,
           (unsigned long long)load.found, (unsigned long long)load.wrong);
    return load.wrong ? 1 : 0;
}
