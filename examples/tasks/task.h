/* What the exercises share: a prediction that fails ends the program with one line and exit status 1, and readings
 * (memstats, counters, RSS, time) that do not allocate. Readings come first, printing after: the first printf of a
 * program allocates its buffer. */
#ifndef EXAMPLES_TASKS_TASK_H
#define EXAMPLES_TASKS_TASK_H

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "include/heaptap.h"

#define KIB ((size_t)1024)
#define MIB (1024 * KIB)

/* So that each function keeps a frame and its calls are made, whatever the compiler sees in it. */
#define TASK_NOINLINE __attribute__((noinline, noclone))

/* Ends the program with one line. */
__attribute__((format(printf, 1, 2), noreturn, cold)) static inline void task_fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fflush(stdout);
    fprintf(stderr, "%s: ", program_invocation_short_name);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

/* A prediction, and the line for when it fails, as printf formats it. */
#define task_expect(holds, ...) ((holds) ? (void)0 : task_fail(__VA_ARGS__))

/* `value` differs from `predicted` by at most `part` of it. */
static inline bool task_near(double value, double predicted, double part) {
    double difference = value > predicted ? value - predicted : predicted - value;
    return difference <= part * predicted;
}

/* malloc that need not be checked. */
static inline void *task_alloc(size_t size) {
    void *p = malloc(size);
    task_expect(p != NULL, "cannot allocate %zu bytes: %s", size, strerror(errno));
    return p;
}

/* Has this thread's next allocation sampled and then leaves the rate as it was. The first sample of a thread gives the
 * unwinder its thread-local storage, a small object on this heap, at a moment that nobody can predict; so exact counts
 * begin after it, with profiling on. */
static inline void task_take_first_sample(void) {
    size_t rate = heaptap_set_mem_profile_rate(1);
    free(task_alloc(1));
    heaptap_set_mem_profile_rate(rate);
}

/* For main, before exact counts: has heaptap do what it does but once. Beside the first sample that is the start of the
 * scavenger's thread, for which the C library allocates an object. Leaves nothing idle for it to return. */
static inline void task_settle(void) {
    task_take_first_sample();
    void *block = task_alloc(8 * MIB);
    memset(block, 1, 8 * MIB);
    free(block);
    heaptap_free_os_memory();
}

/* Makes the compiler believe that somebody looks at what p points to. */
static inline void task_use(const void *p) { __asm__ volatile("" : : "r"(p) : "memory"); }

static inline struct heaptap_memstats task_memstats(void) {
    struct heaptap_memstats stats;
    heaptap_read_memstats(&stats);
    return stats;
}

static inline struct heaptap_counters task_counters(void) {
    struct heaptap_counters counters;
    heaptap_thread_counters(&counters);
    return counters;
}

/* Bytes of this process in memory: the second number of /proc/self/statm, which is in pages. */
static inline size_t task_rss(void) {
    char text[128] = "";
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t length = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
    task_expect(length > 0, "cannot read '/proc/self/statm': %s", strerror(errno));
    close(fd);
    char *second = strchr(text, ' ');
    task_expect(second != NULL, "cannot understand '/proc/self/statm': '%s'", text);
    return strtoul(second, NULL, 10) * (size_t)sysconf(_SC_PAGESIZE);
}

static inline int64_t task_now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

#endif
