/* A thread can be renamed at any time, by itself or by another thread, so its name is asked for at each sample: one
 * system call, made only where names are wanted. The set with the name in it is looked up when the name or the set has
 * changed.
 *
 * The table is set up when the first label is, since most programs have none.
 *
 * Locks: RANK_PROFILER around setting up, the table's. Allocation: none but the table's. */
#include "profiler/labels.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>

#include "base/atomic.h"
#include "base/check.h"

enum { NAME_BYTES = 16 };

static bool with_names;
static struct lock start_lock = LOCK_INIT(RANK_PROFILER);
static _Atomic bool ready; /* the table is set up; written under start_lock */
__attribute__((section(".bss.label_table"))) static struct label_table table; /* in pages of its own: cmake/layout.ld */
static _Atomic uint64_t dropped;

static _Thread_local uint32_t own; /* what was set */
static _Thread_local struct {
    char name[NAME_BYTES];
    uint32_t of;  /* `own` at that time */
    uint32_t set; /* `of` and the name; 0 = not known */
} named;

static void set_up(void) {
    if (atomic_load_acquire(&ready))
        return;
    lock_acquire(&start_lock);
    if (!atomic_load_relaxed(&ready)) {
        table = (struct label_table)LABEL_TABLE_INIT;
        atomic_store_release(&ready, true);
    }
    lock_release(&start_lock);
}

void labels_start(bool with_thread_names) {
    with_names = with_thread_names;
    if (with_names)
        set_up();
}

const struct label_table *labels_table(void) { return atomic_load_acquire(&ready) ? &table : NULL; }

static bool is_reserved(const char *key) {
    return strcmp(key, "bytes") == 0 || strcmp(key, "age") == 0 || (with_names && strcmp(key, "thread") == 0);
}

int labels_set(const char *key, const char *value) {
    if (!key || is_reserved(key))
        return EINVAL;
    set_up();
    return label_table_with(&table, own, key, value, &own);
}

__attribute__((noinline)) static uint32_t current_with_name(void) {
    char name[NAME_BYTES] = "";
    uint32_t set;
    prctl(PR_GET_NAME, name);
    if (named.set && named.of == own && strcmp(named.name, name) == 0)
        return named.set;
    if (label_table_with(&table, own, "thread", name, &set) != 0) {
        atomic_add_relaxed(&dropped, 1);
        return own;
    }
    memcpy(named.name, name, sizeof name);
    named.of = own;
    named.set = set;
    return set;
}

uint32_t labels_current(void) { return UNLIKELY(with_names) ? current_with_name() : own; }

uint64_t labels_dropped(void) { return atomic_load_relaxed(&dropped); }

void labels_forget(void) {
    if (ready)
        label_table_free(&table);
    own = 0;
    named.set = 0;
}

void labels_fork_prepare(void) {
    lock_acquire_for_fork(&start_lock);
    if (ready)
        label_table_fork_prepare(&table);
}

void labels_fork_parent(void) {
    if (ready)
        label_table_fork_parent(&table);
    lock_release(&start_lock);
}

void labels_fork_child(void) {
    if (ready)
        label_table_fork_child(&table);
    lock_reset_after_fork(&start_lock);
}
