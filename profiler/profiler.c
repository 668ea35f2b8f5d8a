/* Starting is lazy in one thing: what sampling needs (the unwinder, the hook) is set up when the rate is not 0 for the
 * first time, at start or by heaptap_set_mem_profile_rate, and never from inside malloc.
 *
 * Fork, outer to inner: dump, work counters, mappings, the unwinder's door, labels, stacks, buckets, live objects, the
 * allocator.
 * The door comes before the tables' locks: a thread inside the unwinder may free a sampled object.
 *
 * Locks: RANK_CONTROL around starting to sample. Allocation: none of its own. */
#include "profiler/profiler.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>

#include "alloc/caller.h"
#include "alloc/guard.h"
#include "alloc/hook.h"
#include "alloc/malloc.h"
#include "alloc/memlimit.h"
#include "alloc/memstats.h"
#include "alloc/scavenger.h"
#include "base/atomic.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/os.h"
#include "base/rand.h"
#include "include/heaptap.h"
#include "profiler/blackbox.h"
#include "profiler/comments.h"
#include "profiler/control.h"
#include "profiler/dump.h"
#include "profiler/labels.h"
#include "profiler/loader.h"
#include "profiler/mapping.h"
#include "profiler/record.h"
#include "profiler/recorder.h"
#include "profiler/requested.h"
#include "profiler/sampler.h"
#include "profiler/table_memory.h"
#include "profiler/unwinder.h"
#include "profiler/work.h"

static struct mapping_table mappings = MAPPING_TABLE_INIT(&record_tables.stacks);

static const struct options *options; /* written by profiler_start */
static struct comments_identity identity;

static struct lock start_lock = LOCK_INIT(RANK_CONTROL);
static _Atomic bool sampling_ready; /* unwinder and hook are set up; written under start_lock */

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
        record_install();
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
    record_fork_prepare();
    blackbox_fork_prepare();
    heap_fork_prepare();
}

static void fork_parent(void) {
    heap_fork_parent();
    blackbox_fork_parent();
    record_fork_parent();
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
    record_forget();
    labels_forget();
    mapping_free(&mappings);
}

static void fork_child(void) {
    if (!blackbox_fork_child(options->follow_fork))
        forget_tables();
    heap_fork_child();
    scavenger_fork_child();
    record_fork_child();
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
    struct record_counters counters;
    record_read_counters(&counters);
    return (struct comments_counters){.samples = counters.samples,
                                      .dropped_unwind = counters.dropped_unwind,
                                      .dropped_memory = counters.dropped_memory,
                                      .dropped_labels = labels_dropped()};
}

static struct snapshot_source make_source(unsigned kind) {
    return (struct snapshot_source){.stacks = &record_tables.stacks,
                                    .buckets = &record_tables.buckets,
                                    .live = &record_tables.live,
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
    record_set_depth(settings->depth);
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
    dump_start(settings, fill, &dumped, &record_tables.buckets.peak.inuse);
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
    out->heap_requested = (uint64_t)((double)out->heap_alloc * requested_part(&record_tables.buckets));
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
