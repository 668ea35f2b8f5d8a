/* The tables are one of each for the process, and live here. Starting is lazy in one thing: what sampling
 * needs (the unwinder, the hook) is set up when the rate is not 0 for the first time, at start or by
 * heaptap_set_mem_profile_rate, and never from inside malloc.
 *
 * Fork, outer to inner: dump, work counters, mappings, the unwinder's door, labels, stacks, buckets, live objects, the
 * allocator.
 * The door comes before the tables' locks: a thread inside the unwinder may free a sampled object.
 *
 * Locks: RANK_CONTROL around starting to sample. The hook functions take the tables' locks, one at a time,
 * and keep errno. Allocation: table_memory. */
#include "profiler/profiler.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/sdt.h>

#include "alloc/caller.h"
#include "alloc/guard.h"
#include "alloc/hook.h"
#include "alloc/malloc.h"
#include "alloc/memlimit.h"
#include "alloc/memstats.h"
#include "alloc/scavenger.h"
#include "base/atomic.h"
#include "base/bits.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/os.h"
#include "base/rand.h"
#include "include/heaptap.h"
#include "profiler/blackbox.h"
#include "profiler/bucket.h"
#include "profiler/control.h"
#include "profiler/dump.h"
#include "profiler/labels.h"
#include "profiler/live.h"
#include "profiler/loader.h"
#include "profiler/mapping.h"
#include "profiler/comments.h"
#include "profiler/quiet.h"
#include "profiler/recorder.h"
#include "profiler/requested.h"
#include "profiler/sampler.h"
#include "profiler/scratch.h"
#include "profiler/stack_memo.h"
#include "profiler/stack_table.h"
#include "profiler/table_memory.h"
#include "profiler/unwinder.h"
#include "profiler/work.h"

static struct stack_table stacks = STACK_TABLE_INIT;
static struct bucket_table buckets = BUCKET_TABLE_INIT;
static struct mapping_table mappings = MAPPING_TABLE_INIT(&stacks);
static struct live_table live = LIVE_TABLE_INIT;

static const struct options *options; /* written by profiler_start */
static struct comments_identity identity;

static struct lock start_lock = LOCK_INIT(RANK_CONTROL);
static _Atomic bool sampling_ready; /* unwinder and hook are set up; written under start_lock */

static _Atomic uint64_t samples, dropped_memory; /* samples of threads without a recorder */

/* From this part of the rate on, objects of a thread that records much have records beside each other
 * (profiler/live_pages.h). */
enum { DENSE_PART = 4 };

/* What is left out is counted in every profile, and told once. */
static void drop_for_memory(void) {
    struct quiet signals;
    if (atomic_add_relaxed(&dropped_memory, 1) != 0)
        return;
    quiet_begin(&signals);
    log_line("the profiler's tables are full at %lu MiB (HEAPTAP_TABLE_MAX)%s: new stacks and objects are not "
             "recorded, and counted in every profile as heaptap_dropped_memory",
             (unsigned long)(table_memory_limit() >> 20),
             blackbox_is_on() ? ", or there is no space for the black box" : "");
    quiet_end(&signals);
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
            live_pages_insert(&live.pages, sample->object, slot_size, birth)) ||
           live_insert(&live, sample->object, birth);
}

/* The end of every way. `recorder` is this thread's, or NULL. */
static ALWAYS_INLINE bool count(const struct sample *sample, uint32_t bucket, struct recorder *recorder) {
    if (UNLIKELY(!bucket || !keep_birth(sample, bucket, recorder))) {
        drop_for_memory();
        return false;
    }
    uint64_t weight = bucket_add_alloc_by(&buckets, bucket, sample->requested, recorder);
    blackbox_count_sample();
    if (recorder)
        owner_count_step(&recorder->samples);
    else
        atomic_add_relaxed(&samples, 1);
    dump_poke(&buckets.peak.inuse);
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
    } else if (unwinder_capture(frames, options->depth, &captured)) {
        sample.key.stack = stack_table_intern(&stacks, captured.frames, captured.count);
        recorded = count(&sample, sample.key.stack ? bucket_find(&buckets, &sample.key) : 0, NULL);
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
    bool ok = unwinder_capture_from(caller, recorder->frames, options->depth, &captured, &recorder->trace);
    if (ok) {
        *stack = stack_table_intern(&stacks, captured.frames, captured.count);
        if (*stack)
            stack_memo_keep(recorder->memo, caller, &recorder->trace, *stack, captured.count);
    }
    errno = saved_errno;
    return ok;
}

static __attribute__((noinline)) uint32_t find_anew(uint32_t *known, uint64_t slot_size, uint64_t rate, uint32_t stack,
                                                    uint32_t labels, uint32_t owner) {
    struct bucket_key key = {.slot_size = slot_size, .rate = rate, .stack = stack, .labels = labels, .owner = owner};
    *known = bucket_find(&buckets, &key);
    return *known;
}

/* The recorder remembers ids; the bucket itself tells whether it is the one. */
static ALWAYS_INLINE uint32_t find_often(struct recorder *recorder, const struct bucket_key *key) {
    uint64_t hash = (key->stack + (key->slot_size << 20)) * 0x9e3779b97f4a7c15ull;
    uint32_t *known = &recorder->buckets[hash >> (64 - log2_floor(RECORDER_BUCKETS))];
    if (LIKELY(*known && bucket_is(&buckets, *known, key)))
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
    uint32_t stack = stack_memo_find(recorder->memo, &stacks, &caller);
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
    bucket_add_free_by(&buckets, bucket, recorder_mine());
    blackbox_count_free();
    DTRACE_PROBE1(otel_memory, free, object);
}

static __attribute__((noinline)) void forget(const void *object) {
    uint32_t bucket = live_remove(&live, object);
    if (bucket)
        count_free(object, bucket);
}

static __attribute__((noinline)) void forget_often(const void *object, size_t slot_size) {
    uint32_t bucket = live_pages_remove(&live.pages, object, slot_size);
    if (LIKELY(bucket))
        count_free(object, bucket);
    else
        forget(object);
}

static void on_freed(void *object, size_t slot_size) {
    if (atomic_load_acquire(&live.pages.index))
        forget_often(object, slot_size);
    else
        forget(object);
}

static const struct heap_hook hook = {.draw = sampler_draw, .sampled = on_sampled, .freed = on_freed};

void profiler_read_counters(struct profiler_counters *out) {
    out->samples = atomic_load_relaxed(&samples);
    for (const struct recorder *recorder = recorder_first(); recorder; recorder = recorder->next)
        out->samples += owner_count_read(&recorder->samples);
    out->dropped_unwind = unwinder_dropped();
    out->dropped_memory = atomic_load_relaxed(&dropped_memory);
}

/* A library goes: what it was is written down before, and forgotten by the unwinder after. */
static void before_unload(void) { mapping_refresh(&mappings); }

/* Whoever has noticed first that something is gone (it may have been a dump on another thread), and even where the
 * mappings had no room for it. */
static void after_unload(void) {
    static _Atomic uint64_t forgotten;
    mapping_refresh(&mappings);
    uint64_t now = loader_unload_count();
    if (atomic_swap_acq_rel(&forgotten, now) != now)
        unwinder_forget();
}

static void prepare_sampling(uint64_t rate) {
    if (rate <= RECORDER_RATE_MOST)
        recorder_prepare();
    if (atomic_load_acquire(&sampling_ready))
        return;
    lock_acquire(&start_lock);
    if (!atomic_load_relaxed(&sampling_ready)) {
        guard_enter(); /* the unwinder reads stacks as they are */
        if (!unwinder_start(options->unwinder))
            log_line("cannot load 'libunwind.so.8': frame pointers are used");
        guard_leave();
        mapping_refresh(&mappings);
        loader_on_unload(before_unload, after_unload);
        heap_hook_install(&hook);
        atomic_store_release(&sampling_ready, true);
    }
    lock_release(&start_lock);
}

static void fork_prepare(void) {
    lock_acquire_for_fork(&start_lock);
    dump_fork_prepare();
    work_fork_prepare();
    mapping_fork_prepare(&mappings);
    unwinder_fork_prepare();
    labels_fork_prepare();
    stack_table_fork_prepare(&stacks);
    bucket_fork_prepare(&buckets);
    live_fork_prepare(&live);
    blackbox_fork_prepare();
    heap_fork_prepare();
}

static void fork_parent(void) {
    heap_fork_parent();
    blackbox_fork_parent();
    live_fork_parent(&live);
    bucket_fork_parent(&buckets);
    stack_table_fork_parent(&stacks);
    labels_fork_parent();
    unwinder_fork_parent();
    mapping_fork_parent(&mappings);
    work_fork_parent();
    dump_fork_parent();
    lock_release(&start_lock);
}

/* The tables were the parent's file, and there was no memory to copy them. What the child frees of the objects of
 * before is not in its profiles. */
static void forget_tables(void) {
    live_free(&live);
    bucket_free(&buckets);
    labels_forget();
    stack_table_free(&stacks);
    mapping_free(&mappings);
}

static void fork_child(void) {
    if (!blackbox_fork_child(options->follow_fork))
        forget_tables();
    heap_fork_child();
    scavenger_fork_child();
    live_fork_child(&live);
    bucket_fork_child(&buckets);
    stack_table_fork_child(&stacks);
    labels_fork_child();
    unwinder_fork_child();
    mapping_fork_child(&mappings);
    work_fork_child();
    lock_reset_after_fork(&start_lock);
    sampler_fork_child();
    if (!options->follow_fork && sampler_set_rate(0) && sampling_ready)
        heap_hook_redraw();
    dump_fork_child(options->follow_fork);
    control_fork_child(options->follow_fork);
    blackbox_fork_resume();
}

static enum tally_kind tally_of(unsigned kind) {
    if (kind & HEAPTAP_AGES)
        return TALLY_AGES;
    return kind == HEAPTAP_PEAK ? TALLY_PEAK : TALLY_NOW;
}

static struct comments_counters read_dropped(void) {
    struct profiler_counters counters;
    profiler_read_counters(&counters);
    return (struct comments_counters){.samples = counters.samples,
                                      .dropped_unwind = counters.dropped_unwind,
                                      .dropped_memory = counters.dropped_memory,
                                      .dropped_labels = labels_dropped()};
}

static struct snapshot_source make_source(unsigned kind) {
    return (struct snapshot_source){.stacks = &stacks,
                                    .buckets = &buckets,
                                    .live = &live,
                                    .labels = labels_table(),
                                    .mappings = &mappings,
                                    .kind = tally_of(kind),
                                    .now = os_seconds(),
                                    .rate = sampler_rate(),
                                    .alloc_first = (kind & ~HEAPTAP_AGES) == HEAPTAP_ALLOCS,
                                    .drop_own_frames = !unwinder_trims()};
}

/* `kind`: one of heaptap.h. */
static int fill(writer_sink sink, void *context, void *kind) {
    struct comments_counters counters = read_dropped();
    struct snapshot_source source = make_source(*(const unsigned *)kind);
    return comments_write(&identity, &counters, &source, sink, context);
}

/* For the black box: the texts of a profile of now, and the libraries that the program has loaded meanwhile. */
static size_t describe(char *text, size_t size, uint64_t *rate) {
    struct comments_counters counters = read_dropped();
    struct snapshot_source source = make_source(HEAPTAP_HEAP);
    if (atomic_load_acquire(&sampling_ready))
        mapping_refresh(&mappings);
    *rate = source.rate;
    return comments_pack(&identity, &counters, &source, text, size);
}

void profiler_start(const struct options *settings) {
    static unsigned dumped = HEAPTAP_HEAP;
    options = settings;
    table_memory_set_limit(settings->table_max);
    if (settings->has_blackbox)
        blackbox_start(settings);
    recorder_set_depth(settings->depth + UNWINDER_SLACK);
    scratch_set_size((settings->depth + UNWINDER_SLACK) * sizeof(uintptr_t));
    loader_start();
    comments_identify(&identity);
    sampler_seed(settings->has_seed ? settings->seed : rand_entropy());
    sampler_set_rate(settings->mem_profile_rate);
    pthread_atfork(fork_prepare, fork_parent, fork_child);
    memlimit_set(settings->memlimit);
    caller_prepare();
    scavenger_prepare(settings->scavtrace);
    labels_start(settings->label_threads);
    if (settings->label_ages)
        dumped |= HEAPTAP_AGES;
    if (settings->mem_profile_rate) {
        loader_note_startup();
        prepare_sampling(settings->mem_profile_rate);
    }
    dump_start(settings, fill, &dumped, &buckets.peak.inuse);
    if (blackbox_is_on())
        blackbox_run(describe);
    control_start(settings);
}

void profiler_stop(void) {
    control_stop();
    dump_at_exit();
    if (blackbox_is_on())
        blackbox_close();
}

size_t heaptap_mem_profile_rate(void) { return sampler_rate(); }

size_t heaptap_set_mem_profile_rate(size_t bytes) {
    if (!options)
        return 0;
    if (bytes)
        prepare_sampling(bytes);
    size_t previous = sampler_set_rate(bytes);
    if (previous != bytes && atomic_load_acquire(&sampling_ready))
        heap_hook_redraw();
    return previous;
}

int heaptap_write_profile(int fd, unsigned kind) {
    uint64_t size;
    int saved_errno = errno;
    if (!options ||
        (kind != HEAPTAP_PEAK && (kind & ~HEAPTAP_AGES) != HEAPTAP_HEAP && (kind & ~HEAPTAP_AGES) != HEAPTAP_ALLOCS))
        return -EINVAL;
    int error = dump_file_write_fd(fd, fill, &kind, &size);
    errno = saved_errno;
    return -error;
}

int heaptap_dump(const char *path) {
    int saved_errno = errno;
    char name[PATH_MAX];
    int error = path ? dump_write(path) : dump_write_next("api", name);
    errno = saved_errno;
    return -error;
}

void heaptap_read_memstats(struct heaptap_memstats *out) {
    memstats_read(out);
    out->buck_hash_sys = table_memory_used();
    out->metadata += out->buck_hash_sys;
    out->sys += out->buck_hash_sys;
    out->heap_requested = (uint64_t)((double)out->heap_alloc * requested_part(&buckets));
}

int64_t heaptap_set_memory_limit(int64_t bytes) {
    if (bytes < 0)
        return memlimit_get();
    int64_t previous = memlimit_set(bytes);
    scavenger_limit_changed();
    return previous;
}

size_t heaptap_free_os_memory(void) { return scavenger_release_all(); }

void heaptap_thread_counters(struct heaptap_counters *out) { memstats_read_thread(out); }

int heaptap_label_set(const char *key, const char *value) {
    int saved_errno = errno;
    int error = labels_set(key, value);
    errno = saved_errno;
    return -error;
}

void heaptap_work_add(const char *counter, uint64_t n) { work_add(counter, n); }

const char *heaptap_version(void) { return HEAPTAP_VERSION; }
