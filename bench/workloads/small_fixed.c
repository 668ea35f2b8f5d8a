/* Objects of 64 bytes: a stack that grows and shrinks (the last one made is the first one freed), then a queue of fixed
 * length (the oldest one is freed). The fast paths and hardly anything else. */
#include "workload.h"

enum { SIZE = 64, WINDOW = 10000 };

static void *window[WINDOW];

static uint64_t last_in_first_out(size_t times, struct random *random) {
    uint64_t sum = 0;
    size_t depth = 0;
    for (size_t i = 0; i < times;) {
        size_t up = random_below(random, 64), down = random_below(random, 64);
        for (; up && depth < WINDOW; up--, i++)
            window[depth++] = object_new(SIZE, i);
        for (; down && depth; down--)
            sum += object_end(window[--depth], SIZE);
    }
    while (depth)
        sum += object_end(window[--depth], SIZE);
    memset(window, 0, sizeof window);
    return sum;
}

static uint64_t first_in_first_out(size_t times) {
    uint64_t sum = 0;
    for (size_t i = 0; i < times; i++) {
        void **place = &window[i % WINDOW];
        if (*place)
            sum += object_end(*place, SIZE);
        *place = object_new(SIZE, i);
    }
    return sum;
}

int main(int argc, char **argv) {
    size_t times = workload_times(argc, argv, 30000000);
    struct random random = random_seeded(1);
    return workload_end(last_in_first_out(times, &random) + first_in_first_out(times));
}
