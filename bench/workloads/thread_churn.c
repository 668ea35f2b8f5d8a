/* Threads that come and go, four at a time: each frees what one of the wave before it left behind, makes three hundred
 * objects of many sizes, frees two of three and leaves the rest to the next wave. */
#include <pthread.h>

#include "workload.h"

enum { TOGETHER = 4, OBJECTS = 300, KEPT = OBJECTS / 3 };

struct left {
    void *memory[KEPT];
    size_t size[KEPT];
};

struct work {
    struct left left;
    uint64_t seed, sum;
};

static struct power_law sizes;
static struct work works[TOGETHER];

static uint64_t take_over(struct left *left) {
    uint64_t sum = 0;
    for (int i = 0; i < KEPT; i++)
        if (left->memory[i])
            sum += object_end(left->memory[i], left->size[i]);
    return sum;
}

static void *run(void *argument) {
    struct work *work = argument;
    struct random random = random_seeded(work->seed);
    void *memory[OBJECTS];
    size_t size[OBJECTS];
    uint64_t sum = take_over(&work->left);
    for (int i = 0; i < OBJECTS; i++) {
        size[i] = power_law_draw(&sizes, &random);
        memory[i] = object_new(size[i], (uint64_t)i);
    }
    for (int i = 0; i < OBJECTS; i++) {
        if (i % 3) {
            sum += object_end(memory[i], size[i]);
        } else {
            work->left.memory[i / 3] = memory[i];
            work->left.size[i / 3] = size[i];
        }
    }
    work->sum += sum;
    return NULL;
}

int main(int argc, char **argv) {
    size_t waves = workload_times(argc, argv, 5000);
    power_law_init(&sizes, 16, 8192, 0.9);
    for (size_t wave = 0; wave < waves; wave++) {
        pthread_t threads[TOGETHER];
        for (int i = 0; i < TOGETHER; i++) {
            works[i].seed = wave * TOGETHER + (unsigned)i;
            if (pthread_create(&threads[i], NULL, run, &works[i]) != 0)
                return 1;
        }
        for (int i = 0; i < TOGETHER; i++)
            pthread_join(threads[i], NULL);
    }
    uint64_t sum = 0;
    for (int i = 0; i < TOGETHER; i++)
        sum += works[i].sum + take_over(&works[i].left);
    return workload_end(sum);
}
