/* Exercise 13: watch the scavenger. 110 MiB are written to, 100 of them are freed, and then the program only sleeps.
 *
 * Free keeps pages for the next malloc. What nobody wants goes back by a thread in the background, slowly, so that it
 * costs no more than about one per cent of a processor, down to a goal: what the heap uses plus a tenth, so that the
 * next burst finds some pages warm. I predict, without a single call by this program:
 *
 *   RSS after the frees is still more than half of the peak: free itself returns nothing
 *   within 10 seconds RSS is at most 15 % above the goal
 *   what is kept keeps its contents, and heap_released grows by 50 MiB or more
 *   HEAPTAP_SCAVTRACE=1, which this program sets for a second run of itself, shows the thread at work: lines that add
 *   up to 50 MiB or more, the last of which says that four fifths or more of what is retained is in use
 *
 * An argument is the number of seconds to watch: after `task13_scavenger 60` one has seen that it stops there. */
#include "examples/tasks/task_trace.h"

enum { BLOCKS = 3520, KEPT = BLOCKS / 11, SECONDS_MOST = 10, STEPS_A_SECOND = 10 };
#define BLOCK_BYTES (32 * KIB)

static unsigned char *blocks[BLOCKS];

static void sleep_a_step(void) {
    struct timespec step = {.tv_nsec = 1000000000 / STEPS_A_SECOND};
    nanosleep(&step, NULL);
}

/* RSS once a second; how many tenths of a second until it was at most `goal`, or -1. */
static int watch(int seconds, size_t goal) {
    int reached = -1;
    for (int step = 0; step <= seconds * STEPS_A_SECOND; step++) {
        size_t rss = task_rss();
        if (rss <= goal && reached < 0)
            reached = step;
        if (step % STEPS_A_SECOND == 0)
            printf("%3d s  RSS %6.1f MiB\n", step / STEPS_A_SECOND, (double)rss / MIB);
        fflush(stdout);
        sleep_a_step();
    }
    return reached;
}

static void drop_and_watch(int seconds) {
    size_t start = task_rss();
    for (int i = 0; i < BLOCKS; i++) {
        blocks[i] = task_alloc(BLOCK_BYTES);
        memset(blocks[i], i % 251 + 1, BLOCK_BYTES);
    }
    size_t peak = task_rss();
    for (int i = KEPT; i < BLOCKS; i++)
        free(blocks[i]);
    struct heaptap_memstats freed = task_memstats();
    size_t dropped = task_rss();
    size_t live = start + KEPT * BLOCK_BYTES, goal = live + live / 10;
    printf("peak   RSS %6.1f MiB, live %.1f, goal %.1f\n", (double)peak / MIB, (double)live / MIB, (double)goal / MIB);
    int reached = watch(seconds, goal + goal * 15 / 100);
    struct heaptap_memstats now = task_memstats();
    for (int i = 0; i < KEPT; i++)
        for (size_t byte = 0; byte < BLOCK_BYTES; byte++)
            task_expect(blocks[i][byte] == i % 251 + 1, "byte %zu of kept block %d has changed", byte, i);
    task_expect(dropped >= peak / 2, "RSS fell from %zu to %zu in the frees themselves", peak, dropped);
    task_expect(reached >= 0 && reached <= SECONDS_MOST * STEPS_A_SECOND, "RSS did not fall to %zu in %d s, it is %zu",
                goal + goal * 15 / 100, SECONDS_MOST, task_rss());
    task_expect(now.heap_released >= freed.heap_released + 50 * MIB, "heap_released rose by %" PRIu64,
                now.heap_released - freed.heap_released);
    printf("near the goal after %.1f s\n", (double)reached / STEPS_A_SECOND);
    for (int i = 0; i < KEPT; i++)
        free(blocks[i]);
}

int main(int argc, char **argv) {
    int seconds = argc > 1 ? atoi(argv[1]) : SECONDS_MOST;
    task_expect(seconds >= SECONDS_MOST && seconds <= 3600, "usage: task13_scavenger [SECONDS], at least %d",
                SECONDS_MOST);
    if (task_trace_is_traced()) {
        drop_and_watch(seconds);
        return 0;
    }
    struct task_trace trace = task_trace_run(argv);
    printf("%u lines of scavtrace, %.1f MiB returned in the background\n", trace.lines,
           (double)trace.background_kib / KIB);
    task_expect(trace.lines > 0, "the scavenger printed no line");
    task_expect(trace.background_kib >= 50 * KIB, "the lines add up to %" PRIu64 " KiB", trace.background_kib);
    task_expect(trace.util >= 80, "the last line says %u%% util", trace.util);
    return 0;
}
