/* Blocks of 64 KiB to 64 MiB by a power law, sixteen live at a time, of which a program writes the beginning: buffers
 * of files and messages. Whether an allocator keeps, unmaps or returns such memory shows here, in time and in RSS. */
#include "workload.h"

enum { WINDOW = 16, PAGE = 4096, WRITTEN_MOST = 1 << 20 };

static unsigned char *memory[WINDOW];
static size_t size[WINDOW];

/* A quarter, 1 MiB at most, a byte a page. */
static void write_beginning(unsigned char *p, size_t n, uint64_t tag) {
    size_t end = n / 4 < WRITTEN_MOST ? n / 4 : WRITTEN_MOST;
    for (size_t at = 0; at < end; at += PAGE)
        p[at] = (unsigned char)tag;
}

int main(int argc, char **argv) {
    size_t times = workload_times(argc, argv, 600000);
    struct random random = random_seeded(9);
    static struct power_law sizes;
    power_law_init(&sizes, 65536, 67108864, 1);
    uint64_t sum = 0;
    for (size_t i = 0; i < times; i++) {
        size_t at = random_below(&random, WINDOW);
        if (memory[at]) {
            sum += memory[at][0];
            free(memory[at]);
        }
        size[at] = power_law_draw(&sizes, &random);
        memory[at] = workload_must(malloc(size[at]));
        write_beginning(memory[at], size[at], i);
    }
    return workload_end(sum);
}
