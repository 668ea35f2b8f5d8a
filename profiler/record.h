/* What happens to each sampled object:
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
#ifndef HEAPTAP_PROFILER_RECORD_H
#define HEAPTAP_PROFILER_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "profiler/bucket.h"
#include "profiler/live.h"
#include "profiler/stack_table.h"

/* One of each for the process. */
struct record_tables {
    struct stack_table stacks;
    struct bucket_table buckets;
    struct live_table live;
};

extern HIDDEN struct record_tables record_tables;

/* Frames kept of a stack. Before the first sample. */
void record_set_depth(size_t frames);

/* From now on what the allocator samples is recorded. Once, when the unwinder is ready. */
void record_install(void);

struct record_counters {
    uint64_t samples; /* recorded */
    uint64_t
        dropped_unwind; /* the unwinder was in use on this thread already, a library was going, or a fork did not end */
    uint64_t dropped_memory; /* a table was full */
};

void record_read_counters(struct record_counters *out);

void record_fork_prepare(void);
void record_fork_parent(void);
void record_fork_child(void);

/* In the child of a fork, which has one thread: empties the tables, and what the thread remembers of them. */
void record_forget(void);

#endif
