/* The example service's log in memory: the last lines, each allocated by itself; the oldest is freed when a
 * new one takes its place. */
#ifndef EXAMPLES_LOG_RING_H
#define EXAMPLES_LOG_RING_H

#include <stddef.h>

struct log_ring;

/* NULL when there is no memory. */
struct log_ring *log_ring_create(size_t lines);
void log_ring_destroy(struct log_ring *ring);

__attribute__((format(printf, 2, 3))) void log_ring_add(struct log_ring *ring, const char *format, ...);
/* The newest line, which the caller frees; NULL when there is none. */
char *log_ring_newest(struct log_ring *ring);

#endif
