/* The profiler as a whole: what the hook does, when it starts and stops, fork. The public functions of
 * include/heaptap.h are defined here.
 *
 * Every sampled object takes this way:
 *   1. the allocator's count runs out (alloc/hook.h); it calls sampled() after the allocation;
 *   2. unwinder: the stack;               a drop is counted
 *   3. stack_table: the stack's id;       a drop is counted where the table is full
 *   4. labels: the set of this thread;
 *   5. bucket: (stack, slot size, rate, labels);   a drop is counted as above
 *   6. live: object -> bucket, and the time;       the same
 *   7. the bucket counts one allocation.
 * Freeing it: live gives the bucket, the bucket counts one free.
 *
 * Both are probes for tracers (sys/sdt.h), which cost a nop while nobody listens:
 *   otel_memory:alloc(pointer, slot bytes, bytes that the sample stands for)   otel_memory:free(pointer) */
#ifndef HEAPTAP_PROFILER_PROFILER_H
#define HEAPTAP_PROFILER_PROFILER_H

#include <stdint.h>

#include "base/options.h"

/* Once, before main. `options` must stay valid. With rate 0 and no dump asked for it does next to nothing. */
void profiler_start(const struct options *options);

/* The program ends. */
void profiler_stop(void);

struct profiler_counters {
    uint64_t samples;        /* recorded */
    uint64_t dropped_unwind; /* the unwinder was in use on this thread already, or a fork did not end */
    uint64_t dropped_memory; /* a table was full */
};

void profiler_read_counters(struct profiler_counters *out);

#endif
