/* A recorder is kept in the word that the allocator has for each of its threads' caches, which later threads take over:
 * so there are as many as there were threads at once, and no thread's end has to be seen. They are listed for whoever
 * sums up, and never unmapped.
 *
 * Locks: none. Memory comes from table_memory. May run inside malloc. */
#include "profiler/recorder.h"

#include <dlfcn.h>
#include <string.h>

#include "base/atomic.h"
#include "base/bits.h"
#include "base/os.h"
#include "profiler/table_memory.h"

static size_t bytes;
static time_t (*wall_clock)(
    time_t *); /* not linked to: the C library's pages that it would touch are many programs' first */
static struct recorder *_Atomic all;
static _Atomic uint32_t count;
static _Atomic unsigned count_bits;

void recorder_set_depth(size_t depth) { bytes = sizeof(struct recorder) + depth * sizeof(uintptr_t); }

static size_t memo_offset(void) { return align_up(bytes, _Alignof(struct stack_memo)); }

void recorder_prepare(void) {
    if (!wall_clock)
        *(void **)&wall_clock = dlsym(RTLD_DEFAULT, "time");
}

struct recorder *recorder_first(void) {
    return atomic_load_acquire(&all);
}

unsigned recorder_count_bits(void) { return atomic_load_relaxed(&count_bits); }

static struct recorder *create(void) {
    uint32_t number = atomic_load_relaxed(&count);
    do {
        if (number == RECORDERS_MOST)
            return NULL;
    } while (!atomic_cas_weak_acq_rel(&count, &number, number + 1));
    atomic_store_relaxed(&count_bits, 64 - clz64(number));
    struct recorder *recorder = table_memory_alloc(memo_offset() + sizeof(struct stack_memo));
    if (!recorder)
        return NULL; /* the number stays unused */
    recorder->number = number + 1;
    recorder->memo = (struct stack_memo *)(void *)((char *)recorder + memo_offset());
    return recorder;
}

struct recorder *recorder_obtain(void) {
    void **word = &thread_cache->hook_word;
    if (recorder_mine() || thread_cache == &cache_none)
        return recorder_mine();
    if ((uintptr_t)*word < RECORDER_AFTER) {
        *word = (void *)((uintptr_t)*word + 1);
        return NULL;
    }
    struct recorder *recorder = create();
    if (!recorder)
        return NULL;
    recorder->next = atomic_load_relaxed(&all);
    while (!atomic_cas_weak_acq_rel(&all, &recorder->next, recorder))
        ;
    *word = recorder;
    return recorder;
}

uint32_t recorder_seconds(struct recorder *recorder) {
    time_t wall = LIKELY(wall_clock) ? wall_clock(NULL) : 0;
    if (UNLIKELY(wall != recorder->wall || !wall)) {
        recorder->wall = wall;
        recorder->second = os_seconds();
    }
    return recorder->second;
}

void recorder_forget(void) {
    struct recorder *recorder = recorder_mine();
    if (!recorder)
        return;
    memset(recorder->buckets, 0, sizeof recorder->buckets);
    memset(recorder->memo, 0, sizeof *recorder->memo);
    atomic_store_relaxed(&recorder->inuse, 0);
}
