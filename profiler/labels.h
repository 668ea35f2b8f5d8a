/* The labels of the calling thread, which its samples carry from then on: what heaptap_label_set sets, and where it is
 * asked for (HEAPTAP_LABELS=thread) the thread's name. A new thread has none; the child of fork has those of the thread
 * that forked. */
#ifndef HEAPTAP_PROFILER_LABELS_H
#define HEAPTAP_PROFILER_LABELS_H

#include <stdbool.h>
#include <stdint.h>

#include "profiler/label_table.h"

/* Once, before the first sample. */
void labels_start(bool with_thread_names);

/* Where the sets are; NULL while nobody has set a label. */
const struct label_table *labels_table(void);

/* 0; EINVAL, also for the keys that heaptap gives itself: "bytes", "age", and "thread" where names are asked for;
 * ENOMEM. Outside malloc. */
int labels_set(const char *key, const char *value);

/* The set for a sample of this thread. May run inside malloc. Where the table is full the thread's name is left out,
 * and counted. errno may change. */
uint32_t labels_current(void);

uint64_t labels_dropped(void);

/* Empties the table and this thread's set, in the child of a fork that has no other thread. */
void labels_forget(void);

void labels_fork_prepare(void);
void labels_fork_parent(void);
void labels_fork_child(void);

#endif
