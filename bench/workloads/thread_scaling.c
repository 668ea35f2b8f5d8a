/* The work of N threads, for bench/threads: every thread keeps a window of objects of many sizes, replaces them at
 * random, and hands one in 64 to any thread, which frees it. The sum of the work is the same for every N.
 *
 *   thread_scaling SCALE THREADS */
#include <pthread.h>

#include "mailbox.h"
#include "threads.h"

enum { WINDOW = 512, WAITING_MOST = 256, HAND_ON = 64, LOOK_EVERY = 64 };

static struct mailbox boxes[THREADS_MOST];
static struct power_law sizes;
static unsigned thread_count;
static size_t times;
static uint64_t sums[THREADS_MOST];
static pthread_barrier_t all_done;

static uint64_t end_message(struct message *message) {
    uint64_t read = message->tag + 3u * ((unsigned char *)message)[message->size - 1];
    free(message);
    return read;
}

static void *run(void *number) {
    unsigned self = (unsigned)(uintptr_t)number;
    struct random random = random_seeded(100 + self);
    struct message *window[WINDOW] = {NULL};
    uint64_t sum = 0;
    for (size_t i = 0; i < times; i++) {
        struct message **place = &window[random_below(&random, WINDOW)], *old = *place;
        *place = message_new(power_law_draw(&sizes, &random), (uint32_t)i & 0xff);
        struct mailbox *to = &boxes[random_below(&random, thread_count)];
        /* A full mailbox, of a thread that does not run now, is not waited for. */
        if (old && (i % HAND_ON || !mailbox_send(to, old, WAITING_MOST)))
            sum += end_message(old);
        if (i % LOOK_EVERY == 0)
            mailbox_empty(&boxes[self], &sum);
    }
    pthread_barrier_wait(&all_done);
    mailbox_empty(&boxes[self], &sum);
    for (int i = 0; i < WINDOW; i++)
        if (window[i])
            sum += end_message(window[i]);
    sums[self] = sum;
    return NULL;
}

int main(int argc, char **argv) {
    thread_count = argc > 2 ? (unsigned)atoi(argv[2]) : 1;
    if (thread_count < 1 || thread_count > THREADS_MOST)
        return 2;
    times = workload_times(argc, argv, 40000000) / thread_count;
    power_law_init(&sizes, 16, 4096, 1);
    pthread_barrier_init(&all_done, NULL, thread_count);
    return workload_end(threads_run(thread_count, run, sums));
}
