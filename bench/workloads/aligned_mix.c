/* posix_memalign and aligned_alloc at alignments of 16 to 4096, sizes of 16 bytes to 8 KiB, five thousand live at a
 * time: buffers of vector code, cache lines and direct input and output. Small alignments are the most frequent. */
#include "workload.h"

enum { WINDOW = 5000 };

static void *memory[WINDOW];
static size_t size[WINDOW];

static void *aligned(size_t align, size_t n, int by_posix) {
    void *p = NULL;
    if (by_posix ? posix_memalign(&p, align, n) != 0 : !(p = aligned_alloc(align, n)))
        p = NULL;
    if (!p || (uintptr_t)p % align) {
        fputs("no memory, or not aligned\n", stderr);
        exit(1);
    }
    return p;
}

int main(int argc, char **argv) {
    size_t times = workload_times(argc, argv, 8000000);
    struct random random = random_seeded(8);
    static struct power_law sizes, aligns;
    power_law_init(&sizes, 16, 8192, 0.9);
    power_law_init(&aligns, 16, 8191, 0.9);
    uint64_t sum = 0;
    for (size_t i = 0; i < times; i++) {
        size_t at = random_below(&random, WINDOW);
        if (memory[at])
            sum += object_end(memory[at], size[at]);
        size_t align = (size_t)1 << (63 - __builtin_clzl(power_law_draw(&aligns, &random)));
        size[at] = (power_law_draw(&sizes, &random) + align - 1) & ~(align - 1);
        memory[at] = object_use(aligned(align, size[at], i & 1), size[at], i);
    }
    return workload_end(sum);
}
