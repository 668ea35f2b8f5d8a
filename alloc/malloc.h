/* malloc and its kin under names of our own: what override.c exports, and what tests call in builds where the
 * process keeps its malloc (sanitizers). Semantics are glibc's; errno is set as there. */
#ifndef HEAPTAP_ALLOC_MALLOC_H
#define HEAPTAP_ALLOC_MALLOC_H

#include <stdbool.h>
#include <stddef.h>

void *heap_malloc(size_t size);
void *heap_calloc(size_t count, size_t size);
void *heap_realloc(void *p, size_t size);
void *heap_memalign(size_t align, size_t size);
void heap_free(void *p);
/* Abort with one line when a request of that size and alignment would not have got such an object. */
void heap_free_sized(void *p, size_t size);
void heap_free_aligned_sized(void *p, size_t align, size_t size);
size_t heap_usable_size(const void *p);

/* For whoever owns the process's atfork handlers: the order is prepare, then parent or child. Between them
 * the calling thread may allocate; every other thread waits. */
void heap_fork_prepare(void);
void heap_fork_parent(void);
void heap_fork_child(void);

#endif
