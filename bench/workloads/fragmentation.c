/* A heap that lives long: 64 MiB of live objects, whose sizes shift from phase to phase while the sum stays the same.
 * Each phase replaces objects at random until twice the live set was allocated anew, so some of the old ones stay where
 * they are, in between. What an allocator needs beyond 64 MiB is its fragmentation: peak RSS is the point here. */
#include "workload.h"

#define LIVE ((size_t)64 << 20)
enum { OBJECTS_MOST = 1 << 20, PHASES = 8 };

static const struct {
    double least, most;
} phases[PHASES] = {{64, 128}, {256, 1024}, {16, 8192}, {96, 320}, {512, 640}, {32, 32768}, {1024, 4096}, {48, 256}};

static void *memory[OBJECTS_MOST];
static uint32_t size[OBJECTS_MOST];
static size_t count, live;

static uint64_t remove_at(size_t at) {
    uint64_t read = object_end(memory[at], size[at]);
    live -= size[at];
    count--;
    memory[at] = memory[count];
    size[at] = size[count];
    return read;
}

static uint64_t run_phase(size_t bytes, const struct power_law *sizes, struct random *random) {
    uint64_t sum = 0;
    for (size_t made = 0; made < bytes;) {
        size_t n = power_law_draw(sizes, random);
        while (count && (live + n > LIVE || count == OBJECTS_MOST))
            sum += remove_at(random_below(random, (uint32_t)count));
        memory[count] = memset(workload_must(malloc(n)), (int)(n & 0xff), n);
        size[count++] = (uint32_t)n;
        live += n;
        made += n;
    }
    return sum;
}

int main(int argc, char **argv) {
    size_t bytes = workload_times(argc, argv, 2 * LIVE);
    struct random random = random_seeded(10);
    static struct power_law sizes;
    uint64_t sum = 0;
    for (int phase = 0; phase < PHASES; phase++) {
        power_law_init(&sizes, phases[phase].least, phases[phase].most, 1);
        sum += run_phase(bytes, &sizes, &random);
    }
    return workload_end(sum);
}
