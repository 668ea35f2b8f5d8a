/* The thread that writes dumps at an interval, on a signal and when the heap asks for one, so that no thread of the
 * program does. It exists only where one of them was asked for, has every signal blocked and a small stack. */
#ifndef HEAPTAP_PROFILER_DUMP_THREAD_H
#define HEAPTAP_PROFILER_DUMP_THREAD_H

#include <stdbool.h>
#include <stdint.h>

struct dump_thread_settings {
    int64_t interval;  /* nanoseconds; 0 = none */
    int signal_number; /* 0 = none */
    /* Called on the thread, with the reason "interval", "signal" or what look returned. */
    void (*work)(const char *reason);
    /* NULL = none. Called on the thread each second, and after a wake: a reason to dump now, or NULL. */
    const char *(*look)(void);
};

/* False when the thread cannot be made. */
bool dump_thread_start(const struct dump_thread_settings *settings);

/* Makes the thread look now. Any thread, inside malloc too. */
void dump_thread_wake(void);

/* In the child of fork, where the thread is gone: makes it anew with the same settings, or (follow false)
 * gives the signal back to what it was before. */
void dump_thread_fork_child(bool follow);

#endif
