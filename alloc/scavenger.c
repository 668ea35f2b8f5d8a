/* The thread's loop:
 *   1. A generation is over: take the page heap's peak and begin the next.
 *   2. Nothing exceeds a goal: sleep, until the generation's end where the peak may still fall, else until woken.
 *   3. Work in quanta for at least a millisecond of processor time, then sleep for as long as the controller says.
 *
 * A quantum is a run of up to 1 MiB, not Go's 64 KiB: with a second thread on another processor each call interrupts
 * that processor to flush its translations, which in a virtual machine costs as much as the pages; measured at 1% of a
 * processor, 64 KiB at a time returned 8 MiB a second, 1 MiB at a time over 100.
 *
 * poll costs two loads while nothing exceeds: it compares the idle pages with a bound that the thread sets when it goes
 * to sleep.
 *
 * Locks: the page heap's, briefly, run by run. Keeps errno. The thread allocates nothing. */
#include "alloc/scavenger.h"

#include "alloc/caller.h"
#include "alloc/guard.h"
#include "alloc/later.h"
#include "alloc/memlimit.h"
#include "alloc/thread.h"
#include "base/background.h"
#include "base/futex.h"
#include "base/log.h"
#include "base/os.h"

enum {
    QUANTUM_PAGES = (1024 * 1024) >> HEAP_PAGE_SHIFT,
    IDLE_PAGES_LEAST = (2 * 1024 * 1024) >> HEAP_PAGE_SHIFT, /* what is not worth a thread */
    RETAIN_PERCENT = 110,
    DENSE_PAGES = CHUNK_PAGES - CHUNK_PAGES / 32, /* 96.875% */
    NOT_DENSE = CHUNK_PAGES + 1,
    STACK_BYTES = 64 * 1024,
};
#define GENERATION_NANOSECONDS ((int64_t)1000000000)
#define WORK_NANOSECONDS       ((int64_t)1000000)
#define COOLDOWN_NANOSECONDS   ((int64_t)5000000000)
#define SLEEP_MOST_NANOSECONDS ((int64_t)1000000000)
#define RETURN_NANOSECONDS     ((int64_t)5000000000) /* an excess does not wait longer, whatever the pace */
#define TARGET_FRACTION        0.01

enum thread_state { THREAD_NONE, THREAD_STARTING, THREAD_RUNNING, THREAD_REFUSED };

static struct {
    _Atomic uint32_t thread;     /* enum thread_state */
    _Atomic uint32_t wakes;      /* the thread's futex: raised by whoever wakes it */
    _Atomic uint64_t idle_bound; /* idle pages above which poll acts */
    _Atomic bool trace;

    /* The thread's own. */
    uint64_t last_peak; /* of the generation before */
    int64_t generation_end;
    uint64_t background_pages; /* returned since the last line of trace */
    int64_t traced_at;
    _Atomic uint64_t eager_pages; /* returned by allocating threads since then */
} scavenger = {.idle_bound = IDLE_PAGES_LEAST};

/* ---- what exceeds ---- */

static uint64_t retain_goal(uint64_t inuse) {
    uint64_t peak = inuse > scavenger.last_peak ? inuse : scavenger.last_peak;
    return (peak * RETAIN_PERCENT + 99) / 100;
}

static uint64_t metadata_bytes(void) {
    uint64_t inuse, spans, caches;
    span_memory(&inuse, &spans);
    thread_memory(&inuse, &caches);
    return spans + caches + page_heap_metadata_bytes();
}

/* Pages above either goal. */
static uint64_t excess_pages(void) {
    struct page_heap_ready ready = page_heap_read_ready();
    uint64_t all = ready.inuse + ready.free, goal = retain_goal(ready.inuse);
    uint64_t over_goal = all > goal ? all - goal : 0;
    uint64_t over_limit = memlimit_goal_excess_pages(all, metadata_bytes());
    uint64_t excess = over_goal > over_limit ? over_goal : over_limit;
    return excess < ready.free ? excess : ready.free;
}

/* ---- pacing ---- */

/* A proportional-integral controller with back-calculation against windup (Astrom and Murray, Feedback Systems, chapter
 * 11): keeps the fraction of time at work at the target by the ratio of work to sleep. */
struct controller {
    double integral;
    int64_t resumes_at; /* after an overflow it rests, with the first ratio */
};

static const double KP = 0.3375, TI = 3.2e6, TT = 1e9, RATIO_LEAST = 0.001, RATIO_MOST = 1000;

static double controller_next(struct controller *controller, double fraction, double period, int64_t now) {
    if (now < controller->resumes_at)
        return RATIO_LEAST;
    double error = TARGET_FRACTION - fraction;
    double raw = KP * error + controller->integral;
    double output = raw < RATIO_LEAST ? RATIO_LEAST : raw > RATIO_MOST ? RATIO_MOST : raw;
    controller->integral += KP * period / TI * error + period / TT * (output - raw);
    if (controller->integral - controller->integral != 0) { /* infinite or no number */
        *controller = (struct controller){0, now + COOLDOWN_NANOSECONDS};
        return RATIO_LEAST;
    }
    return output;
}

/* ---- trace ---- */

static void print_trace(bool forced) {
    struct page_heap_stats stats;
    page_heap_read_stats(&stats);
    uint64_t retained = stats.inuse_bytes + stats.free_bytes;
    uint64_t eager = atomic_swap_acq_rel(&scavenger.eager_pages, 0);
    log_line("scav %lu KiB work (bg), %lu KiB work (eager), %lu KiB now, %lu%% util%s",
             (unsigned long)(scavenger.background_pages << HEAP_PAGE_SHIFT >> 10),
             (unsigned long)(eager << HEAP_PAGE_SHIFT >> 10), (unsigned long)(stats.released_bytes >> 10),
             (unsigned long)(retained ? stats.inuse_bytes * 100 / retained : 100), forced ? " (forced)" : "");
}

static void trace_background(int64_t now, bool done) {
    if (!atomic_load_relaxed(&scavenger.trace) || !scavenger.background_pages)
        return;
    if (!done && now - scavenger.traced_at < GENERATION_NANOSECONDS)
        return;
    print_trace(false);
    scavenger.background_pages = 0;
    scavenger.traced_at = now;
}

/* ---- the thread ---- */

static void end_generation(int64_t now) {
    if (now < scavenger.generation_end)
        return;
    scavenger.last_peak = page_heap_take_peak();
    scavenger.generation_end = now + GENERATION_NANOSECONDS;
}

struct burst {
    int64_t nanoseconds; /* of processor time */
    uint64_t pages;      /* returned */
};

/* Works for at least a millisecond of processor time, or until nothing exceeds. */
static struct burst work(uint64_t *cursor) {
    struct burst burst = {0, 0};
    int64_t started = os_thread_time();
    while (burst.nanoseconds < WORK_NANOSECONDS && excess_pages() > 0) {
        uint64_t got = page_heap_scavenge(QUANTUM_PAGES, DENSE_PAGES, cursor);
        if (got == 0)
            break;
        burst.pages += got;
        burst.nanoseconds = os_thread_time() - started;
    }
    scavenger.background_pages += burst.pages;
    return burst;
}

/* Sleeps until woken; while the peak may still fall, until the generation's end. */
static void rest(uint32_t wakes) {
    struct page_heap_ready ready = page_heap_read_ready();
    bool settled = ready.free <= IDLE_PAGES_LEAST || ready.free <= ready.inuse / 10;
    atomic_store_seq_cst(&scavenger.idle_bound, ready.free + IDLE_PAGES_LEAST);
    futex_wait(&scavenger.wakes, wakes, settled ? 0 : scavenger.generation_end);
    atomic_store_seq_cst(&scavenger.idle_bound, UINT64_MAX);
}

/* How long to sleep after a burst: what the controller says, but not so long that the rest would take more than five
 * seconds, and not less than the burst. */
static int64_t pause_after(struct controller *controller, struct burst burst, int64_t slept, int64_t now) {
    double worked = (double)burst.nanoseconds, period = worked + (double)slept;
    double paced = worked / controller_next(controller, worked / period, period, now);
    double in_time = (double)RETURN_NANOSECONDS * (double)burst.pages / (double)(excess_pages() + 1);
    double pause = paced < in_time ? paced : in_time;
    if (pause < worked)
        pause = worked;
    return pause < (double)SLEEP_MOST_NANOSECONDS ? (int64_t)pause : SLEEP_MOST_NANOSECONDS;
}

static void run(void) {
    struct controller controller = {0};
    uint64_t cursor = UINT64_MAX;
    int64_t slept = 0, now = os_now();
    scavenger.generation_end = now + GENERATION_NANOSECONDS;
    scavenger.last_peak = page_heap_take_peak();
    atomic_store_release(&scavenger.thread, THREAD_RUNNING);
    for (;;) {
        uint32_t wakes = atomic_load_acquire(&scavenger.wakes);
        now = os_now();
        end_generation(now);
        struct burst burst = work(&cursor);
        trace_background(now, burst.pages == 0);
        if (burst.pages == 0) {
            cursor = UINT64_MAX;
            rest(wakes);
            slept = os_now() - now;
        } else {
            slept = pause_after(&controller, burst, slept, now);
            futex_wait(&scavenger.wakes, wakes, os_now() + slept);
        }
    }
}

/* ---- starting it ---- */

void scavenger_prepare(bool trace) { atomic_store_relaxed(&scavenger.trace, trace); }

static void start_thread(const void *caller) {
    uint32_t none = THREAD_NONE;
    if (!caller_may_start_thread(caller))
        return;
    if (!atomic_cas_strong_acq_rel(&scavenger.thread, &none, THREAD_STARTING))
        return;
    if (!background_start("heaptap-scav", run, STACK_BYTES))
        atomic_store_release(&scavenger.thread, THREAD_REFUSED);
}

static void wake(void) {
    atomic_add_acq_rel(&scavenger.wakes, 1);
    futex_wake_one(&scavenger.wakes);
}

/* What an allocation pushed over the soft limit, returned by the thread that made it. */
static void return_over_limit(void) {
    struct page_heap_ready ready = page_heap_read_ready();
    uint64_t over = memlimit_excess_pages(ready.inuse + ready.free, metadata_bytes());
    uint64_t cursor = UINT64_MAX;
    while (over > 0) {
        uint64_t got = page_heap_scavenge(over < QUANTUM_PAGES ? QUANTUM_PAGES : over, NOT_DENSE, &cursor);
        if (got == 0)
            return;
        atomic_add_relaxed(&scavenger.eager_pages, got);
        over = got < over ? over - got : 0;
    }
}

/* Where the kernel refused memory, others need the addresses that the heap does not use. */
static bool should_return_addresses(struct page_heap_ready ready) {
    return page_heap_refused_at() && ready.free > 2ull * CHUNK_PAGES && ready.free > ready.inuse / 4;
}

void scavenger_poll(const void *caller) {
    struct page_heap_ready ready = page_heap_read_ready();
    later_poll(caller);
    if (UNLIKELY(should_return_addresses(ready)))
        page_heap_return_addresses();
    if (UNLIKELY(memlimit_get() != MEMLIMIT_OFF))
        return_over_limit();
    if (LIKELY(ready.free <= atomic_load_relaxed(&scavenger.idle_bound) || ready.free <= ready.inuse / 10))
        return;
    if (atomic_load_acquire(&scavenger.thread) == THREAD_RUNNING)
        wake();
    else
        start_thread(caller);
}

void scavenger_limit_changed(void) {
    if (atomic_load_acquire(&scavenger.thread) == THREAD_RUNNING)
        wake();
    return_over_limit();
}

size_t scavenger_release_all(void) {
    size_t pages = 0;
    uint64_t cursor = UINT64_MAX, got;
    guard_enter();
    if (thread_cache != &cache_none) {
        cache_send_pending(thread_cache);
        cache_drain_remote(thread_cache);
    }
    guard_leave();
    while ((got = page_heap_scavenge(CHUNK_PAGES, NOT_DENSE, &cursor)) > 0)
        pages += got;
    atomic_add_relaxed(&scavenger.eager_pages, pages);
    if (atomic_load_relaxed(&scavenger.trace))
        print_trace(true);
    return pages << HEAP_PAGE_SHIFT;
}

void scavenger_fork_child(void) {
    atomic_store_relaxed(&scavenger.thread, THREAD_NONE);
    atomic_store_relaxed(&scavenger.idle_bound, IDLE_PAGES_LEAST);
}
