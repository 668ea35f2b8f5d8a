/* Half a million objects are made, then all are freed: in the order they were made in, or with a second argument
 * `reverse` in the opposite one. As a program that builds a structure, uses it and tears it down. */
#include "workload.h"

enum { OBJECTS = 500000 };

static void *memory[OBJECTS];
static uint16_t size[OBJECTS];

static void make_all(const struct power_law *sizes, struct random *random) {
    for (size_t i = 0; i < OBJECTS; i++) {
        size[i] = (uint16_t)power_law_draw(sizes, random);
        memory[i] = object_new(size[i], i);
    }
}

static uint64_t free_all(int in_reverse) {
    uint64_t sum = 0;
    for (size_t i = 0; i < OBJECTS; i++) {
        size_t at = in_reverse ? OBJECTS - 1 - i : i;
        sum += object_end(memory[at], size[at]);
    }
    return sum;
}

int main(int argc, char **argv) {
    size_t rounds = workload_times(argc, argv, 25);
    int in_reverse = argc > 2 && strcmp(argv[2], "reverse") == 0;
    struct random random = random_seeded(5);
    static struct power_law sizes;
    power_law_init(&sizes, 16, 1024, 1.2);
    uint64_t sum = 0;
    for (size_t round = 0; round < rounds; round++) {
        make_all(&sizes, &random);
        sum += free_all(in_reverse);
    }
    return workload_end(sum);
}
