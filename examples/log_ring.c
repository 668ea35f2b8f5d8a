/* Lines come and go at the rate of the requests: much allocation, no growth. A line that finds no memory is
 * lost.
 *
 * Locks: one mutex over the ring; lines are formatted and freed outside of it. */
#include "examples/log_ring.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct log_ring {
    pthread_mutex_t lock;
    size_t capacity;
    size_t added; /* line n is at n % capacity */
    char *lines[];
};

struct log_ring *log_ring_create(size_t lines) {
    struct log_ring *ring = calloc(1, sizeof *ring + lines * sizeof ring->lines[0]);
    if (!ring)
        return NULL;
    pthread_mutex_init(&ring->lock, NULL);
    ring->capacity = lines;
    return ring;
}

void log_ring_destroy(struct log_ring *ring) {
    for (size_t i = 0; i < ring->capacity; i++)
        free(ring->lines[i]);
    pthread_mutex_destroy(&ring->lock);
    free(ring);
}

void log_ring_add(struct log_ring *ring, const char *format, ...) {
    va_list args;
    va_start(args, format);
    char *line;
    int length = vasprintf(&line, format, args);
    va_end(args);
    if (length < 0)
        return;

    pthread_mutex_lock(&ring->lock);
    char **place = &ring->lines[ring->added++ % ring->capacity];
    char *oldest = *place;
    *place = line;
    pthread_mutex_unlock(&ring->lock);
    free(oldest);
}

char *log_ring_newest(struct log_ring *ring) {
    pthread_mutex_lock(&ring->lock);
    char *line = ring->added ? strdup(ring->lines[(ring->added - 1) % ring->capacity]) : NULL;
    pthread_mutex_unlock(&ring->lock);
    return line;
}
