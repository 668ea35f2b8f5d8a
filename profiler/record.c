/* The two functions that the allocator calls. A thread takes one of two ways:
 *
 *   record        any rate, any unwinder: the tables that all threads share;
 *   record_often  from its 64th sample on, at rates up to 4 KiB: with a recorder (profiler/recorder.h), which remembers
 *                 stacks and buckets, and counts without locked instructions.
 *
 * A capture is made outside every lock; then the tables' locks are taken one at a time, where something grows.
 *
 * Locks: the tables', one at a time. Allocation: table_memory. errno is kept: by the tables, and where a stack is read.
 */
#include "profiler/record.h"

#include <errno.h>
#include <sys/sdt.h>

#include "alloc/hook.h"
#include "base/atomic.h"
#include "base/bits.h"
#include "base/log.h"
#include "base/os.h"
#include "profiler/blackbox.h"
#include "profiler/dump.h"
#include "profiler/labels.h"
#include "profiler/quiet.h"
#include "profiler/recorder.h"
#include "profiler/sampler.h"
#include "profiler/scratch.h"
#include "profiler/stack_memo.h"
#include "profiler/table_memory.h"
#include "profiler/unwinder.h"

struct record_tables record_tables = {
    .stacks = STACK_TABLE_INIT, .buckets = BUCKET_TABLE_INIT, .live = LIVE_TABLE_INIT};

static size_t depth; /* written before the first sample */

static _Atomic uint64_t samples, dropped_memory; /* samples of threads without a recorder */

/* From this part of the rate on, objects of a thread that records much have records beside each other
 * (profiler/live_pages.h). */
enum { DENSE_PART = 4 };

/* What is left out is counted in every profile, and told once. */
static void drop_for_memory(void) {
    struct quiet signals;
    int saved_errno = errno;
    if (atomic_add_relaxed(&dropped_memory, 1) != 0)
        return;
    quiet_begin(&signals);
    log_line("the profiler's tables are full at %lu MiB (HEAPTAP_TABLE_MAX)%s: new stacks and objects are not "
             "recorded, and counted in every profile as heaptap_dropped_memory",
             (unsigned long)(table_memory_limit() >> 20),
             blackbox_is_on() ? ", or there is no space for the black box" : "");
    quiet_end(&signals);
    errno = saved_errno;
}

/* One sample: what is known of it when the recording begins, and what it becomes. */
struct sample {
    void *object;
    size_t requested;
    struct bucket_key key;
    uint32_t second; /* of its birth */
};

static ALWAYS_INLINE bool keep_birth(const struct sample *sample, uint32_t bucket, const struct recorder *recorder) {
    struct live_birth birth = {.bucket = bucket, .time = sample->second};
    size_t slot_size = sample->key.slot_size;
    return (recorder && slot_size >= sample->key.rate / DENSE_PART &&
            live_pages_insert(&record_tables.live.pages, sample->object, slot_size, birth)) ||
           live_insert(&record_tables.live, sample->object, birth);
}

/* The end of every way. `recorder` is this thread's, or NULL. */
static ALWAYS_INLINE bool count(const struct sample *sample, uint32_t bucket, struct recorder *recorder) {
    if (UNLIKELY(!bucket || !keep_birth(sample, bucket, recorder))) {
        drop_for_memory();
        return false;
    }
    uint64_t weight = bucket_add_alloc_by(&record_tables.buckets, bucket, sample->requested, recorder);
    blackbox_count_sample();
    if (recorder)
        owner_count_step(&recorder->samples);
    else
        atomic_add_relaxed(&samples, 1);
    dump_poke(&record_tables.buckets.peak.inuse);
    DTRACE_PROBE3(otel_memory, alloc, sample->object, sample->key.slot_size, weight);
    return true;
}

/* Any rate, any unwinder. */
static __attribute__((noinline)) bool record(void *object, size_t requested, size_t slot_size, uint64_t rate) {
    int saved_errno = errno;
    struct sample sample = {.object = object,
                            .requested = requested,
                            .key = {.slot_size = slot_size, .rate = rate, .labels = labels_current()},
                            .second = os_seconds()};
    uintptr_t *frames = scratch_take();
    struct unwinder_stack captured;
    bool recorded = false;
    if (!frames) {
        drop_for_memory();
    } else if (unwinder_capture(frames, depth, &captured)) {
        sample.key.stack = stack_table_intern(&record_tables.stacks, captured.frames, captured.count);
        recorded = count(&sample, sample.key.stack ? bucket_find(&record_tables.buckets, &sample.key) : 0, NULL);
    }
    if (frames)
        scratch_give(frames);
    errno = saved_errno;
    return recorded;
}

/* A stack that the memo does not know. False: the unwinder dropped it. The stack is 0 where the table is full. */
static __attribute__((noinline)) bool capture_often(struct recorder *recorder, const struct unwind_registers *caller,
                                                    uint32_t *stack) {
    int saved_errno = errno;
    struct unwinder_stack captured;
    bool ok = unwinder_capture_from(caller, recorder->frames, depth, &captured, &recorder->trace);
    if (ok) {
        *stack = stack_table_intern(&record_tables.stacks, captured.frames, captured.count);
        if (*stack)
            stack_memo_keep(recorder->memo, caller, &recorder->trace, *stack, captured.count);
    }
    errno = saved_errno;
    return ok;
}

static __attribute__((noinline)) uint32_t find_anew(uint32_t *known, uint64_t slot_size, uint64_t rate, uint32_t stack,
                                                    uint32_t labels, uint32_t owner) {
    struct bucket_key key = {.slot_size = slot_size, .rate = rate, .stack = stack, .labels = labels, .owner = owner};
    *known = bucket_find(&record_tables.buckets, &key);
    return *known;
}

/* The recorder remembers ids; the bucket itself tells whether it is the one. */
static ALWAYS_INLINE uint32_t find_often(struct recorder *recorder, const struct bucket_key *key) {
    uint64_t hash = (key->stack + (key->slot_size << 20)) * 0x9e3779b97f4a7c15ull;
    uint32_t *known = &recorder->buckets[hash >> (64 - log2_floor(RECORDER_BUCKETS))];
    if (LIKELY(*known && bucket_is(&record_tables.buckets, *known, key)))
        return *known;
    return find_anew(known, key->slot_size, key->rate, key->stack, key->labels, key->owner);
}

/* The black box has no place for what others free of a bucket, so with it buckets have no owner.
 *
 * Nothing here has its address taken but the registers: what is written to memory and read at once as something wider
 * makes the processor wait. */
static __attribute__((noinline)) bool record_often(void *object, size_t requested, size_t slot_size, uint64_t rate) {
    struct recorder *recorder = LIKELY(recorder_mine()) ? recorder_mine() : recorder_obtain();
    struct unwind_registers caller;
    if (UNLIKELY(!recorder) || UNLIKELY(!unwinder_at_caller(&caller)))
        return record(object, requested, slot_size, rate);
    uint32_t stack = stack_memo_find(recorder->memo, &record_tables.stacks, &caller);
    if (UNLIKELY(!stack)) {
        uint32_t captured;
        if (!capture_often(recorder, &caller, &captured))
            return false;
        stack = captured;
    }
    const struct sample sample = {.object = object,
                                  .requested = requested,
                                  .key = {.slot_size = slot_size,
                                          .rate = rate,
                                          .stack = stack,
                                          .labels = labels_current(),
                                          .owner = blackbox_is_on() ? 0 : recorder->number},
                                  .second = recorder_seconds(recorder)};
    return count(&sample, LIKELY(stack) ? find_often(recorder, &sample.key) : 0, recorder);
}

static bool on_sampled(void *object, size_t requested, size_t slot_size, uint64_t rate) {
    if (rate <= RECORDER_RATE_MOST && unwinder_steps_out)
        return record_often(object, requested, slot_size, rate);
    return record(object, requested, slot_size, rate);
}

static ALWAYS_INLINE void count_free(const void *object, uint32_t bucket) {
    bucket_add_free_by(&record_tables.buckets, bucket, recorder_mine());
    blackbox_count_free();
    DTRACE_PROBE1(otel_memory, free, object);
}

static __attribute__((noinline)) void forget(const void *object) {
    uint32_t bucket = live_remove(&record_tables.live, object);
    if (bucket)
        count_free(object, bucket);
}

static __attribute__((noinline)) void forget_often(const void *object, size_t slot_size) {
    uint32_t bucket = live_pages_remove(&record_tables.live.pages, object, slot_size);
    if (LIKELY(bucket))
        count_free(object, bucket);
    else
        forget(object);
}

static void on_freed(void *object, size_t slot_size) {
    if (atomic_load_acquire(&record_tables.live.pages.index))
        forget_often(object, slot_size);
    else
        forget(object);
}

static const struct heap_hook hook = {.draw = sampler_draw, .sampled = on_sampled, .freed = on_freed};

void record_set_depth(size_t frames) {
    depth = frames;
    recorder_set_depth(frames + UNWINDER_SLACK);
    scratch_set_size((frames + UNWINDER_SLACK) * sizeof(uintptr_t));
}

void record_install(void) { heap_hook_install(&hook); }

void record_read_counters(struct record_counters *out) {
    out->samples = atomic_load_relaxed(&samples);
    for (const struct recorder *recorder = recorder_first(); recorder; recorder = recorder->next)
        out->samples += owner_count_read(&recorder->samples);
    out->dropped_unwind = unwinder_dropped();
    out->dropped_memory = atomic_load_relaxed(&dropped_memory);
}

void record_fork_prepare(void) {
    stack_table_fork_prepare(&record_tables.stacks);
    bucket_fork_prepare(&record_tables.buckets);
    live_fork_prepare(&record_tables.live);
}

void record_fork_parent(void) {
    live_fork_parent(&record_tables.live);
    bucket_fork_parent(&record_tables.buckets);
    stack_table_fork_parent(&record_tables.stacks);
}

void record_fork_child(void) {
    live_fork_child(&record_tables.live);
    bucket_fork_child(&record_tables.buckets);
    stack_table_fork_child(&record_tables.stacks);
}

void record_forget(void) {
    recorder_forget();
    live_free(&record_tables.live);
    bucket_free(&record_tables.buckets);
    stack_table_free(&record_tables.stacks);
}
