/* Counters of the program's own work, such as "requests" (heaptap_work_add), which every profile carries, so that a
 * comparison can speak per unit of work. Any thread; outside malloc. */
#ifndef HEAPTAP_PROFILER_WORK_H
#define HEAPTAP_PROFILER_WORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WORK_COUNTERS_MAX = 64, WORK_NAME_BYTES = 56 };

/* False, and counted as refused, when the name is empty, too long or not of letters, digits and _.-, or there are
 * WORK_COUNTERS_MAX others. */
bool work_add(const char *name, uint64_t amount);

/* The counter at `index`, from 0, in the order of their first use; NULL behind the last. */
const char *work_read(size_t index, uint64_t *amount);
uint64_t work_refused(void);

void work_fork_prepare(void);
void work_fork_parent(void);
void work_fork_child(void);

#endif
