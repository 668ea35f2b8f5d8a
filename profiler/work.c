/* A short array that only grows: a counter is found by comparing names, which for a handful of counters is as fast as
 * hashing, and added to with one atomic operation. Adding a name takes the lock.
 *
 * Locks: RANK_PROFILER for new names. Allocation: none. */
#include "profiler/work.h"

#include <assert.h>
#include <string.h>

#include "base/atomic.h"
#include "base/lock.h"

struct counter {
    char name[WORK_NAME_BYTES];
    _Atomic uint64_t amount;
};

static_assert(sizeof(struct counter) == 64, "a cache line");

static struct lock lock = LOCK_INIT(RANK_PROFILER);
static _Atomic size_t count; /* written under the lock (release) */
static _Atomic uint64_t refused;

/* Most programs have none: it lies where its pages stay untouched (cmake/layout.ld). */
__attribute__((section(".bss.work_counters"))) static struct counter counters[WORK_COUNTERS_MAX];

static struct counter *find(const char *name) {
    size_t known = atomic_load_acquire(&count);
    for (size_t i = 0; i < known; i++) {
        if (strcmp(counters[i].name, name) == 0)
            return &counters[i];
    }
    return NULL;
}

static bool is_name(const char *name) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
    size_t length = name ? strnlen(name, WORK_NAME_BYTES) : 0;
    return length > 0 && length < WORK_NAME_BYTES && strspn(name, letters) == length;
}

static struct counter *add(const char *name) {
    lock_acquire(&lock);
    struct counter *counter = find(name);
    size_t known = atomic_load_relaxed(&count);
    if (!counter && known < WORK_COUNTERS_MAX) {
        counter = &counters[known];
        strcpy(counter->name, name); /* is_name has looked at its length */
        atomic_store_release(&count, known + 1);
    }
    lock_release(&lock);
    return counter;
}

bool work_add(const char *name, uint64_t amount) {
    struct counter *counter = NULL;
    if (is_name(name) && !(counter = find(name)))
        counter = add(name);
    if (counter)
        atomic_add_relaxed(&counter->amount, amount);
    else
        atomic_add_relaxed(&refused, 1);
    return counter != NULL;
}

const char *work_read(size_t index, uint64_t *amount) {
    if (index >= atomic_load_acquire(&count))
        return NULL;
    *amount = atomic_load_relaxed(&counters[index].amount);
    return counters[index].name;
}

uint64_t work_refused(void) { return atomic_load_relaxed(&refused); }

void work_fork_prepare(void) { lock_acquire_for_fork(&lock); }
void work_fork_parent(void) { lock_release(&lock); }
void work_fork_child(void) { lock_reset_after_fork(&lock); }
