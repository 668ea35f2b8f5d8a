/* One thread makes objects, another frees them: every free is remote, in one direction. They are handed over in blocks, and
 * who has nothing to do sleeps: threads that spin measure the scheduler. */
#include <pthread.h>
#include <semaphore.h>

#include "workload.h"

enum { BLOCKS = 8, BLOCK_ITEMS = 512 };

struct item {
    void *memory;
    size_t size;
};

static struct item ring[BLOCKS][BLOCK_ITEMS];
static sem_t made, taken; /* blocks that are full, and empty */
static size_t blocks;
static struct power_law sizes;

static void *produce(void *none) {
    struct random random = random_seeded(3);
    for (size_t block = 0; block < blocks; block++) {
        sem_wait(&taken);
        for (size_t i = 0; i < BLOCK_ITEMS; i++) {
            size_t size = power_law_draw(&sizes, &random);
            ring[block % BLOCKS][i] = (struct item){object_new(size, i), size};
        }
        sem_post(&made);
    }
    return none;
}

static uint64_t consume(void) {
    uint64_t sum = 0;
    for (size_t block = 0; block < blocks; block++) {
        sem_wait(&made);
        for (size_t i = 0; i < BLOCK_ITEMS; i++)
            sum += object_end(ring[block % BLOCKS][i].memory, ring[block % BLOCKS][i].size);
        sem_post(&taken);
    }
    return sum;
}

int main(int argc, char **argv) {
    blocks = workload_times(argc, argv, 20000);
    power_law_init(&sizes, 16, 1024, 1);
    sem_init(&made, 0, 0);
    sem_init(&taken, 0, BLOCKS);
    pthread_t producer;
    if (pthread_create(&producer, NULL, produce, NULL) != 0)
        return 1;
    uint64_t sum = consume();
    pthread_join(producer, NULL);
    return workload_end(sum);
}
