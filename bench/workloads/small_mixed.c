/* Sizes of 8 bytes to 8 KiB and lifetimes of 1 to 100,000 allocations, both by power laws: most objects are small and
 * die young, some stay long. Every tick makes one object and frees those whose time has come. */
#include "workload.h"

enum { SLOTS = 1 << 17 };

struct object {
    void *memory;
    uint32_t size;
    uint32_t next; /* of those that end at the same tick; 0 = none */
};

static struct object objects[SLOTS]; /* object 0 is none */
static uint32_t ending[SLOTS];       /* by tick: the first object */
static uint32_t unused[SLOTS], unused_count;

static uint64_t end_those_of(size_t tick) {
    uint64_t sum = 0;
    uint32_t at = ending[tick % SLOTS];
    ending[tick % SLOTS] = 0;
    while (at) {
        sum += object_end(objects[at].memory, objects[at].size);
        unused[unused_count++] = at;
        at = objects[at].next;
    }
    return sum;
}

int main(int argc, char **argv) {
    size_t times = workload_times(argc, argv, 20000000);
    struct random random = random_seeded(2);
    static struct power_law sizes, lifetimes;
    power_law_init(&sizes, 8, 8192, 0.9);
    power_law_init(&lifetimes, 1, 100000, 0.5);
    for (uint32_t i = SLOTS - 1; i > 0; i--)
        unused[unused_count++] = i;
    uint64_t sum = 0;
    for (size_t tick = 0; tick < times; tick++) {
        sum += end_those_of(tick);
        uint32_t at = unused[--unused_count];
        uint32_t *end = &ending[(tick + power_law_draw(&lifetimes, &random)) % SLOTS];
        size_t size = power_law_draw(&sizes, &random);
        objects[at] = (struct object){object_new(size, tick), (uint32_t)size, *end};
        *end = at;
    }
    return workload_end(sum);
}
