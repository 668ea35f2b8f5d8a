/* calloc of 16 bytes to 256 KiB by a power law, two thousand live at a time; every object is looked at, and is zero. */
#include "workload.h"

enum { WINDOW = 2000 };

static unsigned char *memory[WINDOW];
static size_t size[WINDOW];

static void must_be_zero(const unsigned char *p, size_t n) {
    size_t at = n / 2;
    if (p[0] | p[at] | p[n - 1]) {
        fputs("calloc: not zero\n", stderr);
        exit(1);
    }
}

int main(int argc, char **argv) {
    size_t times = workload_times(argc, argv, 12000000);
    struct random random = random_seeded(7);
    static struct power_law sizes;
    power_law_init(&sizes, 16, 262144, 0.9);
    uint64_t sum = 0;
    for (size_t i = 0; i < times; i++) {
        size_t at = random_below(&random, WINDOW);
        if (memory[at])
            sum += object_end(memory[at], size[at]);
        size[at] = power_law_draw(&sizes, &random);
        memory[at] = workload_must(calloc(1, size[at]));
        must_be_zero(memory[at], size[at]);
        object_use(memory[at], size[at], i);
    }
    return workload_end(sum);
}
