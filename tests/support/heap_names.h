/* Put before a stress program in builds with a sanitizer, where the process keeps the sanitizer's malloc: the program's
 * own calls go to the allocator by its inner names, with the fork handlers that the library would register. */
#ifndef HEAPTAP_TESTS_SUPPORT_HEAP_NAMES_H
#define HEAPTAP_TESTS_SUPPORT_HEAP_NAMES_H

#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "alloc/guard.h"
#include "alloc/malloc.h"
#include "alloc/thread.h"

__attribute__((constructor)) static void heap_names_start(void) {
    guard_begin(getenv("HEAPTAP_CHECK") != NULL);
    heap_free(heap_malloc(1)); /* chooses the key of links, which no other thread may be reading meanwhile */
    pthread_atfork(heap_fork_prepare, heap_fork_parent, heap_fork_child);
}

#define malloc             heap_malloc
#define calloc             heap_calloc
#define realloc            heap_realloc
#define memalign           heap_memalign
#define free               heap_free
#define malloc_usable_size heap_usable_size

#endif
