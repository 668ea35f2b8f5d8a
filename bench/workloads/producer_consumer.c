/* One thread makes objects, another frees them: every free is remote, in one direction. The ring between them is
 * bounded, so what waits in it is too. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "workload.h"

enum { RING = 4096 };

struct item {
    void *memory;
    size_t size;
};

static struct item ring[RING];
static _Alignas(64) _Atomic size_t made;
static _Alignas(64) _Atomic size_t taken;
static size_t times;
static struct power_law sizes;

static void *produce(void *none) {
    struct random random = random_seeded(3);
    for (size_t i = 0; i < times; i++) {
        size_t size = power_law_draw(&sizes, &random);
        struct item item = {object_new(size, i), size};
        while (i - atomic_load_explicit(&taken, memory_order_acquire) >= RING)
            sched_yield();
        ring[i % RING] = item;
        atomic_store_explicit(&made, i + 1, memory_order_release);
    }
    return none;
}

static uint64_t consume(void) {
    uint64_t sum = 0;
    for (size_t i = 0; i < times; i++) {
        while (atomic_load_explicit(&made, memory_order_acquire) == i)
            sched_yield();
        struct item item = ring[i % RING];
        atomic_store_explicit(&taken, i + 1, memory_order_release);
        sum += object_end(item.memory, item.size);
    }
    return sum;
}

int main(int argc, char **argv) {
    times = workload_times(argc, argv, 10000000);
    power_law_init(&sizes, 16, 1024, 1);
    pthread_t producer;
    if (pthread_create(&producer, NULL, produce, NULL) != 0)
        return 1;
    uint64_t sum = consume();
    pthread_join(producer, NULL);
    return workload_end(sum);
}
