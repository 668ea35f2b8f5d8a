/* dump_write_next:
 *   1. under the lock take the next sequence number;
 *   2. without it expand the name and write the file (profiler/dump_file.h);
 *   3. under the lock remember the file, and take out of the memory the oldest ones beyond the two bounds;
 *   4. without it remove them.
 * Files are written without any lock: two dumps at once are two files, and fork never waits for a disk.
 *
 * Locks: RANK_DUMP for sequence and history. Allocation: os_alloc for the history. */
#include "profiler/dump.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "alloc/memlimit.h"
#include "alloc/memstats.h"
#include "base/atomic.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/os.h"
#include "profiler/ceiling.h"
#include "profiler/dump_history.h"
#include "profiler/dump_name.h"
#include "profiler/dump_thread.h"
#include "profiler/dump_trigger.h"
#include "profiler/quiet.h"

#define SECOND ((int64_t)1000000000)

enum { COMPLAINT_SECONDS = 60, EXIT_WAIT_SECONDS = 10, POKE_STEP_LEAST = 1 << 20 };

static struct lock lock = LOCK_INIT(RANK_DUMP);
static uint64_t sequence;           /* under the lock */
static struct dump_history history; /* under the lock */
static int64_t last_complaint;      /* under the lock; 0 = never */
static struct dump_trigger trigger; /* under the lock */

static const struct options *options; /* these four are written before any other thread is */
static dump_fill fill;
static void *fill_argument;
static const _Atomic uint64_t *estimate;
_Atomic uint64_t dump_poke_at = UINT64_MAX;

static _Atomic uint32_t writing; /* files that are being written now */
static _Atomic uint64_t written, failed;

uint64_t dump_files_written(void) { return atomic_load_relaxed(&written); }
uint64_t dump_files_failed(void) { return atomic_load_relaxed(&failed); }

/* The first failure, and then one line a minute at most. */
static void complain(const char *path, int error) {
    int64_t now = os_now();
    lock_acquire(&lock);
    bool quiet = last_complaint && now - last_complaint < COMPLAINT_SECONDS * SECOND;
    if (!quiet)
        last_complaint = now;
    lock_release(&lock);
    if (quiet)
        return;
    struct quiet signals; /* stderr may be the file that reached its limit */
    quiet_begin(&signals);
    log_line("cannot write profile '%s': %s", path, dump_file_error_text(error));
    quiet_end(&signals);
}

static int write_file(const char *path, struct dump_file *file) {
    atomic_add_acq_rel(&writing, 1);
    int error = dump_file_write(path, fill, fill_argument, file);
    atomic_sub_acq_rel(&writing, 1);
    atomic_add_relaxed(error ? &failed : &written, 1);
    return error;
}

int dump_write(const char *path) {
    struct dump_file file;
    return fill ? write_file(path, &file) : EINVAL;
}

static bool next_name(const char *reason, char *path, size_t size) {
    lock_acquire(&lock);
    uint64_t number = ++sequence;
    lock_release(&lock);
    return dump_name_expand_own(path, size, options->dump_pattern, number, reason);
}

/* One file too many, taken out of the history; false when all are within the bounds. The newest always stays.
 */
static bool take_surplus(char *path, size_t size, struct dump_file *file) {
    lock_acquire(&lock);
    bool surplus = history.count > 1 &&
                   (history.count > options->dump_keep || history.bytes > options->dump_max_bytes) &&
                   dump_history_take(&history, path, size, file);
    lock_release(&lock);
    return surplus;
}

static void rotate(const char *path, const struct dump_file *newest) {
    char oldest[PATH_MAX];
    struct dump_file file;
    lock_acquire(&lock);
    dump_history_add(&history, path, newest);
    lock_release(&lock);
    while (take_surplus(oldest, sizeof oldest, &file))
        dump_file_remove(oldest, &file);
}

/* Growth is counted from the heap as it is in the file. */
static void note_heap(void) {
    struct heaptap_memstats stats;
    if (!options->dump_growth)
        return;
    memstats_read_totals(&stats);
    lock_acquire(&lock);
    dump_trigger_dumped(&trigger, stats.heap_alloc);
    lock_release(&lock);
}

int dump_write_next(const char *reason, char path[PATH_MAX]) {
    struct dump_file file;
    path[0] = '\0';
    if (!fill || !options->dump_pattern[0])
        return EINVAL;
    if (!next_name(reason, path, PATH_MAX)) {
        atomic_add_relaxed(&failed, 1);
        complain(options->dump_pattern, ENAMETOOLONG);
        return ENAMETOOLONG;
    }
    note_heap();
    int error = write_file(path, &file);
    if (error)
        complain(path, error);
    else
        rotate(path, &file);
    return error;
}

/* ---- dumps that the heap asks for ---- */

static bool has_triggers(void) {
    return options->dump_growth || options->dump_peak_percent || options->dump_limit_percent;
}

static void read_numbers(struct dump_trigger_numbers *numbers) {
    struct heaptap_memstats stats;
    memstats_read_totals(&stats);
    *numbers = (struct dump_trigger_numbers){.heap_alloc = stats.heap_alloc, .now = os_now()};
    if (!options->dump_limit_percent)
        return;
    if (memlimit_get() != MEMLIMIT_OFF) {
        numbers->used = stats.sys - stats.heap_idle; /* what is idle goes back to the system before it exceeds */
        numbers->limit = (uint64_t)memlimit_get();
    } else {
        struct ceiling ceiling = ceiling_read();
        numbers->used = ceiling.used;
        numbers->limit = ceiling.limit;
    }
}

static void begin_triggers(void) {
    struct dump_trigger_numbers numbers;
    read_numbers(&numbers);
    trigger = (struct dump_trigger){.peak_percent = options->dump_peak_percent,
                                    .limit_percent = options->dump_limit_percent,
                                    .growth = options->dump_growth};
    dump_trigger_begin(&trigger, &numbers);
}

static const char *look(void) {
    struct dump_trigger_numbers numbers;
    uint64_t inuse = atomic_load_relaxed(estimate);
    read_numbers(&numbers);
    lock_acquire(&lock);
    const char *reason = dump_trigger_check(&trigger, &numbers);
    uint64_t distance = dump_trigger_distance(&trigger, &numbers);
    lock_release(&lock);
    uint64_t step = distance / 2 > POKE_STEP_LEAST ? distance / 2 : POKE_STEP_LEAST;
    step = step > numbers.heap_alloc / 128 ? step : numbers.heap_alloc / 128;
    atomic_store_relaxed(&dump_poke_at, distance == UINT64_MAX ? UINT64_MAX : inuse + step);
    return reason;
}

void dump_poke_now(void) {
    if (atomic_swap_acq_rel(&dump_poke_at, UINT64_MAX) != UINT64_MAX)
        dump_thread_wake();
}

static void write_on_thread(const char *reason) {
    char path[PATH_MAX];
    dump_write_next(reason, path);
}

void dump_start(const struct options *settings, dump_fill how, void *argument, const _Atomic uint64_t *inuse) {
    options = settings;
    estimate = inuse;
    fill_argument = argument;
    fill = how;
    struct dump_thread_settings thread = {settings->dump_interval, settings->dump_signal, write_on_thread,
                                          has_triggers() ? look : NULL};
    if (thread.look) {
        begin_triggers();
        atomic_store_relaxed(&dump_poke_at, 0); /* the first sample tells how far it is */
    }
    if ((thread.interval || thread.signal_number || thread.look) && !dump_thread_start(&thread))
        log_line("cannot start the dump thread; HEAPTAP_DUMP_INTERVAL and HEAPTAP_DUMP_ON have no effect");
}

void dump_at_exit(void) {
    static const struct timespec moment = {.tv_nsec = 1000000};
    char path[PATH_MAX];
    if (!fill)
        return;
    if (options->dump_on_exit)
        dump_write_next("exit", path);
    int64_t give_up = os_now() + EXIT_WAIT_SECONDS * SECOND;
    while (atomic_load_acquire(&writing) && os_now() < give_up)
        nanosleep(&moment, NULL);
}

void dump_fork_prepare(void) { lock_acquire_for_fork(&lock); }
void dump_fork_parent(void) { lock_release(&lock); }

void dump_fork_child(bool follow) {
    lock_reset_after_fork(&lock);
    atomic_store_relaxed(&writing, 0);
    sequence = 0;
    last_complaint = 0;
    dump_history_free(&history); /* the parent's files stay the parent's */
    atomic_store_relaxed(&dump_poke_at, UINT64_MAX);
    if (follow && has_triggers())
        begin_triggers();
    dump_thread_fork_child(follow);
    if (!follow)
        fill = NULL;
}
