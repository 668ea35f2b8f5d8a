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

#include "base/atomic.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/os.h"
#include "profiler/dump_history.h"
#include "profiler/dump_name.h"
#include "profiler/dump_thread.h"
#include "profiler/quiet.h"

#define SECOND ((int64_t)1000000000)

enum { COMPLAINT_SECONDS = 60, EXIT_WAIT_SECONDS = 10 };

static struct lock lock = LOCK_INIT(RANK_DUMP);
static uint64_t sequence;           /* under the lock */
static struct dump_history history; /* under the lock */
static int64_t last_complaint;      /* under the lock; 0 = never */

static const struct options *options; /* these three are written before any other thread is */
static dump_fill fill;
static void *fill_argument;

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
    char host[HOST_NAME_MAX + 1] = "";
    gethostname(host, sizeof host - 1);
    lock_acquire(&lock);
    uint64_t number = ++sequence;
    lock_release(&lock);
    struct dump_name name = {.pid = getpid(),
                             .sequence = number,
                             .time = os_wall_time(),
                             .host = host,
                             .program = program_invocation_short_name,
                             .reason = reason};
    return dump_name_expand(path, size, options->dump_pattern, &name);
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

int dump_write_next(const char *reason) {
    char path[PATH_MAX];
    struct dump_file file;
    if (!fill || !options->dump_pattern[0])
        return EINVAL;
    if (!next_name(reason, path, sizeof path)) {
        atomic_add_relaxed(&failed, 1);
        complain(options->dump_pattern, ENAMETOOLONG);
        return ENAMETOOLONG;
    }
    int error = write_file(path, &file);
    if (error)
        complain(path, error);
    else
        rotate(path, &file);
    return error;
}

static void write_on_thread(const char *reason) { dump_write_next(reason); }

void dump_start(const struct options *settings, dump_fill how, void *argument) {
    options = settings;
    fill_argument = argument;
    fill = how;
    if ((settings->dump_interval || settings->dump_signal) &&
        !dump_thread_start(settings->dump_interval, settings->dump_signal, write_on_thread))
        log_line("cannot start the dump thread; HEAPTAP_DUMP_INTERVAL and signals have no effect");
}

void dump_at_exit(void) {
    static const struct timespec moment = {.tv_nsec = 1000000};
    if (!fill)
        return;
    if (options->dump_on_exit)
        dump_write_next("exit");
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
    dump_thread_fork_child(follow);
    if (!follow)
        fill = NULL;
}
