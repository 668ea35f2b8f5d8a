/* Four threads, each of which sends objects to any of the others and frees what it is sent: remote frees in every
 * direction, on more threads than there may be cores. */
#include <pthread.h>
#include <sched.h>

#include "mailbox.h"

enum { THREADS = 4, WAITING_MOST = 1024, LOOK_EVERY = 16 };

static struct mailbox boxes[THREADS];
static struct power_law sizes;
static size_t times;
static _Atomic int sending = THREADS;
static uint64_t sums[THREADS];

static void *run(void *number) {
    unsigned self = (unsigned)(uintptr_t)number;
    struct random random = random_seeded(40 + self);
    uint64_t sum = 0;
    for (size_t i = 0; i < times; i++) {
        size_t size = power_law_draw(&sizes, &random);
        struct message *message = message_new(size, (uint32_t)i & 0xff);
        struct mailbox *to = &boxes[(self + 1 + random_below(&random, THREADS - 1)) % THREADS];
        while (!mailbox_send(to, message, WAITING_MOST))
            if (!mailbox_empty(&boxes[self], &sum))
                sched_yield();
        if (i % LOOK_EVERY == 0)
            mailbox_empty(&boxes[self], &sum);
    }
    atomic_fetch_sub(&sending, 1);
    while (atomic_load(&sending)) {
        if (!mailbox_empty(&boxes[self], &sum))
            sched_yield();
    }
    mailbox_empty(&boxes[self], &sum);
    sums[self] = sum;
    return NULL;
}

int main(int argc, char **argv) {
    times = workload_times(argc, argv, 3000000);
    power_law_init(&sizes, 16, 2048, 1);
    pthread_t threads[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, run, (void *)i) != 0)
            return 1;
    uint64_t sum = 0;
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        sum += sums[i];
    }
    return workload_end(sum);
}
