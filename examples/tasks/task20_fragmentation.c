/* Exercise 20: RSS grows while the heap is flat.
 *
 * A service with 16 MiB of steady data gets bursts of work. Each burst makes 8 MiB of objects of one small size,
 * another size each time, and frees all but a few: one in 32 KiB is remembered, a session. The trouble is where the few
 * live. A span holds slots of one size, and goes back to the page heap only when every slot is free; one session of 64
 * bytes keeps 32 KiB. I predict:
 *
 *   reproduced  ten bursts later heap_alloc is within 5 % of what it was, while RSS has grown by 64 MiB or more
 *   diagnosed   heap_inuse - heap_alloc explains that growth within 15 %; all of it is cached_free, slots that the
 * thread could use, but for these sizes only. single_object_spans says how it came: spans with exactly one live object
 * are as many as sessions, within 10 %. It is not idle memory: forced to return what it can, the heap gives less than a
 * tenth of it back, and the scavenger's line for that (the program runs itself with HEAPTAP_SCAVTRACE=1) says that nine
 * tenths of what is retained are in use. The parts of memstats that have memory behind them sum up to what RSS has
 * grown by, within 5 % cured       what a burst needs only for itself comes from an arena, one block that is freed
 * whole; only sessions come from malloc, and lie side by side. The same ten bursts leave RSS within 4 MiB of what it
 * was
 *
 * A heap profile shows the sessions, a few bytes each, and nothing wrong: this leak has no leaker. */
#include "examples/tasks/task_trace.h"

enum { BURSTS = 10 };
#define STEADY_BYTES (16 * MIB)
#define BURST_BYTES  (8 * MIB)
#define SESSION_IN   (32 * KIB) /* one object in so many bytes is remembered */
#define SMALLEST     64

struct arena {
    char *start;
    size_t used;
};

static const size_t sizes[BURSTS] = {SMALLEST, 80, 96, 112, 128, 160, 192, 224, 256, 320};
static void *objects[BURST_BYTES / SMALLEST];
static void *sessions[BURSTS * (BURST_BYTES / SESSION_IN + 1)];
static size_t session_count;

struct reading {
    struct heaptap_memstats stats;
    size_t rss;
};

static struct reading read_all(void) { return (struct reading){task_memstats(), task_rss()}; }

static void *arena_alloc(struct arena *arena, size_t size) {
    void *p = arena->start + arena->used;
    arena->used += size;
    task_expect(arena->used <= BURST_BYTES, "the arena is full");
    return p;
}

static bool is_session(size_t i, size_t size) {
    size_t every = SESSION_IN / size;
    return i % every == every / 2;
}

/* `arena` may be NULL: then malloc serves all. */
static void burst(size_t size, struct arena *arena) {
    size_t count = BURST_BYTES / size;
    for (size_t i = 0; i < count; i++) {
        objects[i] = arena && !is_session(i, size) ? arena_alloc(arena, size) : task_alloc(size);
        memset(objects[i], 1, size);
    }
    for (size_t i = 0; i < count; i++) {
        if (is_session(i, size))
            sessions[session_count++] = objects[i];
        else if (!arena)
            free(objects[i]);
    }
}

static struct reading all_bursts(bool with_arena) {
    struct reading now = {0};
    printf("  size  heap_alloc  heap_inuse     RSS (MiB)\n");
    for (int i = 0; i < BURSTS; i++) {
        struct arena arena = {with_arena ? task_alloc(BURST_BYTES) : NULL, 0};
        burst(sizes[i], with_arena ? &arena : NULL);
        free(arena.start);
        now = read_all();
        printf("%6zu %11.1f %11.1f %7.1f\n", sizes[i], (double)now.stats.heap_alloc / MIB,
               (double)now.stats.heap_inuse / MIB, (double)now.rss / MIB);
        fflush(stdout); /* the lines of the scavenger come between */
    }
    return now;
}

static void end_sessions(void) {
    while (session_count > 0)
        free(sessions[--session_count]);
    heaptap_free_os_memory();
}

/* Says whose the bytes are; returns how many of them have memory behind them. */
static uint64_t explain(const struct reading *now) {
    const struct heaptap_memstats *stats = &now->stats;
    uint64_t expected = stats->sys - stats->heap_released - stats->untouched;
    printf("objects %.1f, cached free %.1f, free without a thread %.1f, tails %.1f, idle %.1f, metadata %.1f, of it "
           "untouched %.1f: %.1f MiB\n",
           (double)stats->heap_alloc / MIB, (double)stats->cached_free / MIB, (double)stats->central_free / MIB,
           (double)stats->span_tails / MIB, (double)(stats->heap_idle - stats->heap_released) / MIB,
           (double)stats->metadata / MIB, (double)stats->untouched / MIB, (double)expected / MIB);
    for (uint32_t c = 1; c < stats->size_class_count; c++)
        if (stats->by_size[c].single_object_spans > 10)
            printf("%6" PRIu32 " bytes: %4" PRIu64 " of %4" PRIu64 " spans have one object\n", stats->by_size[c].size,
                   stats->by_size[c].single_object_spans, stats->by_size[c].spans);
    return expected;
}

static void reproduce_and_diagnose(const struct reading *before) {
    printf("everything from malloc\n");
    struct reading after = all_bursts(false);
    size_t returned = heaptap_free_os_memory(), forced = task_rss(), grown = after.rss - before->rss;
    uint64_t hollow =
        (after.stats.heap_inuse - after.stats.heap_alloc) - (before->stats.heap_inuse - before->stats.heap_alloc);
    printf("RSS grew by %.1f MiB; free slots of spans in use grew by %.1f MiB; forced, %.1f MiB of RSS go\n",
           (double)grown / MIB, (double)hollow / MIB, (double)(after.rss - forced) / MIB);
    uint64_t expected_before = explain(before), expected = explain(&after) - expected_before;
    uint64_t single = after.stats.single_object_spans - before->stats.single_object_spans;
    uint64_t cached = after.stats.cached_free - before->stats.cached_free;
    printf("%zu sessions, %" PRIu64 " spans with one object; largest free run %.1f MiB\n", session_count, single,
           (double)after.stats.largest_free_run / MIB);
    task_expect(task_near((double)after.stats.heap_alloc, (double)before->stats.heap_alloc, 0.05),
                "heap_alloc went from %" PRIu64 " to %" PRIu64, before->stats.heap_alloc, after.stats.heap_alloc);
    task_expect(grown >= 64 * MIB, "RSS grew by only %zu", grown);
    task_expect(task_near((double)hollow, (double)grown, 0.15), "free slots are %" PRIu64 " of the %zu that RSS grew",
                hollow, grown);
    task_expect(task_near((double)cached, (double)hollow, 0.05), "cached are %" PRIu64 " of %" PRIu64 " free bytes",
                cached, hollow);
    task_expect(task_near((double)expected, (double)grown, 0.05), "memstats explain %" PRIu64 " of %zu", expected,
                grown);
    task_expect(task_near((double)single, (double)session_count, 0.1),
                "%" PRIu64 " spans have one object, there are %zu sessions", single, session_count);
    task_expect(after.rss - forced < grown / 10, "forced, RSS fell by %zu (%zu returned)", after.rss - forced,
                returned);
}

static void cure(void) {
    struct reading before = read_all();
    printf("bursts from an arena\n");
    all_bursts(true);
    heaptap_free_os_memory();
    size_t rss = task_rss();
    printf("RSS was %.1f MiB before and is %.1f MiB after\n", (double)before.rss / MIB, (double)rss / MIB);
    task_expect(rss < before.rss + 4 * MIB, "with an arena RSS went from %zu to %zu", before.rss, rss);
}

static void run_service(void) {
    memset(objects, 1, sizeof objects);
    char *steady = task_alloc(STEADY_BYTES);
    memset(steady, 1, STEADY_BYTES);
    struct reading before = read_all();
    reproduce_and_diagnose(&before);
    end_sessions();
    cure();
    end_sessions();
    free(steady);
}

int main(int argc, char **argv) {
    (void)argc;
    if (task_trace_is_traced()) {
        run_service();
        return 0;
    }
    struct task_trace trace = task_trace_run(argv);
    task_expect(trace.forced > 0, "the scavenger printed no line when it was forced");
    task_expect(trace.forced_util >= 90, "forced, the scavenger found only %u%% of the heap in use", trace.forced_util);
    return 0;
}
