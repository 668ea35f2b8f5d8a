/* The thread that writes dumps at an interval and on a signal, so that no thread of the program does. It
 * exists only where one of the two was asked for, has every signal blocked and a small stack. */
#ifndef HEAPTAP_PROFILER_DUMP_THREAD_H
#define HEAPTAP_PROFILER_DUMP_THREAD_H

#include <stdbool.h>
#include <stdint.h>

/* Called on the thread, with the reason "interval" or "signal". */
typedef void (*dump_thread_work)(const char *reason);

/* 0 turns off the interval or the signal. False when the thread cannot be made. */
bool dump_thread_start(int64_t interval, int signal_number, dump_thread_work work);

/* In the child of fork, where the thread is gone: makes it anew with the same settings, or (follow false)
 * gives the signal back to what it was before. */
void dump_thread_fork_child(bool follow);

#endif
