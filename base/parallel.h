/* The same work on several things at once. */
#ifndef HEAPTAP_BASE_PARALLEL_H
#define HEAPTAP_BASE_PARALLEL_H

#include <stddef.h>

/* Calls job(context, i) once for each i below `count`, on as many threads as this process has processors, eight at
 * most, one of which is the caller's, and returns when all are done. Jobs begin in the order of i. Where no thread can
 * be had the caller does everything. Not inside malloc. */
void parallel_run(size_t count, void (*job)(void *context, size_t index), void *context);

#endif
