/* A program with as many distinct stacks as it is told, each with one live object, which then measures what a dump of
 * them costs (bench/dump, tests/programs/dump_cost.sh). It needs the library preloaded.
 *
 *   many_stacks make N THREADS      makes them; one line: the resident KiB before and after, and the most bytes that
 * the profiler's tables had many_stacks dump N ROUNDS FILE  and dumps them: a line a round, milliseconds of processor
 * time and of wall time, KiB that the process grew meanwhile, KiB of the resident memory that stayed many_stacks
 * latency N RATE SECONDS then allocates and frees at the rate, on one processor, while another thread, on another one,
 * dumps in every second window: a line for each kind of window, quantiles of malloc in nanoseconds
 *
 * Stacks are 20 to 39 calls deep. Each level is one of 64 functions with 16 places that call; which, is a hash of the
 * upper bits of the stack's number, one more of them at each level, so that stacks share their first frames like those
 * of a program do, and 1024 addresses make all of them. One bit of the number chooses the last bit of the place at each
 * of 20 levels: two numbers never have one stack. Numbers come in no order. */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define HEAPTAP_WEAK
#include "include/heaptap.h"

enum { LEAST_DEPTH = 20, DEPTHS = 20, NUMBER_BITS = 20, MOST_THREADS = 64 };

static uint32_t objects_each = 1;
static uint32_t still_making; /* threads */

/* One walk down. */
struct walk {
    uint32_t number;
    int level, depth;
};

typedef void *(*level_function)(struct walk *);

static level_function next_function(struct walk *walk);

static uint64_t hash(uint64_t x) {
    x = (x ^ (x >> 31)) * 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 29)) * 0xbf58476d1ce4e5b9u;
    return x ^ (x >> 32);
}

/* The upper level + 1 bits of the number. */
static uint32_t prefix_at(const struct walk *walk) {
    int dropped = NUMBER_BITS - 1 - walk->level;
    return walk->number >> (dropped > 0 ? dropped : 0);
}

static uint32_t place_at(const struct walk *walk) {
    uint32_t prefix = prefix_at(walk);
    return ((uint32_t)hash(prefix * 64 + (uint32_t)walk->level) & 14) | (prefix & 1);
}

/* Each call is an address of its own: what follows it differs. */
#define CALL(place)                                                                                                    \
    case place:                                                                                                        \
        object = next_function(walk)(walk);                                                                            \
        __asm__ volatile("" : : "i"(place));                                                                           \
        break;
#define FUNCTION(name)                                                                                                 \
    __attribute__((noinline)) static void *name(struct walk *walk) {                                                   \
        void *object = NULL;                                                                                           \
        switch (place_at(walk)) {                                                                                      \
            CALL(0)                                                                                                    \
            CALL(1)                                                                                                    \
            CALL(2)                                                                                                    \
            CALL(3)                                                                                                    \
            CALL(4) CALL(5) CALL(6) CALL(7) CALL(8) CALL(9) CALL(10) CALL(11) CALL(12) CALL(13) CALL(14) CALL(15)      \
        }                                                                                                              \
        return object;                                                                                                 \
    }
#define EIGHT(name)                                                                                                    \
    FUNCTION(name##0)                                                                                                  \
    FUNCTION(name##1)                                                                                                  \
    FUNCTION(name##2) FUNCTION(name##3) FUNCTION(name##4) FUNCTION(name##5) FUNCTION(name##6) FUNCTION(name##7)
#define NAMES(name) name##0, name##1, name##2, name##3, name##4, name##5, name##6, name##7

EIGHT(parse)
EIGHT(lookup)
EIGHT(insert)
EIGHT(encode)
EIGHT(decode)
EIGHT(render)
EIGHT(handle)
EIGHT(commit)

static const level_function functions[64] = {NAMES(parse),  NAMES(lookup), NAMES(insert), NAMES(encode),
                                             NAMES(decode), NAMES(render), NAMES(handle), NAMES(commit)};

static void *must(void *p) {
    if (!p) {
        fputs("out of memory\n", stderr);
        exit(1);
    }
    return p;
}

static void *make_object(struct walk *walk) {
    void *object = NULL;
    for (uint32_t i = 0; i < objects_each; i++)
        object = must(malloc(16 + hash(walk->number) % 240));
    return object;
}

static level_function next_function(struct walk *walk) {
    if (++walk->level == walk->depth)
        return make_object;
    return functions[hash(prefix_at(walk) + 77u * (uint32_t)walk->level) % 64];
}

static void *make_stack(uint32_t number) {
    struct walk walk = {.number = number, .level = -1, .depth = LEAST_DEPTH + (int)(hash(number + 1) % DEPTHS)};
    return next_function(&walk)(&walk);
}

struct share {
    void **objects;
    uint32_t first, end;
};

static void *make_share(void *argument) {
    const struct share *share = argument;
    for (uint32_t i = share->first; i < share->end; i++)
        share->objects[i] = make_stack(i * 0x9e375u % (1u << NUMBER_BITS));
    __atomic_sub_fetch(&still_making, 1, __ATOMIC_RELEASE);
    return NULL;
}

static uint64_t table_bytes(void) {
    static struct heaptap_memstats stats;
    heaptap_read_memstats(&stats);
    return stats.buck_hash_sys;
}

/* Returns the most bytes that the tables had meanwhile. */
static uint64_t make_stacks(uint32_t count, uint32_t thread_count) {
    pthread_t threads[MOST_THREADS];
    struct share shares[MOST_THREADS];
    size_t bytes = count * sizeof(void *);
    void **objects = must(mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    uint64_t most = 0;
    still_making = thread_count;
    for (uint32_t i = 0; i < thread_count; i++) {
        uint64_t end = (uint64_t)count * (i + 1) / thread_count;
        shares[i] = (struct share){objects, i ? shares[i - 1].end : 0, (uint32_t)end};
        if (pthread_create(&threads[i], NULL, make_share, &shares[i]) != 0)
            exit(1);
    }
    while (__atomic_load_n(&still_making, __ATOMIC_ACQUIRE)) {
        uint64_t now = table_bytes();
        most = now > most ? now : most;
        usleep(100);
    }
    for (uint32_t i = 0; i < thread_count; i++)
        pthread_join(threads[i], NULL);
    return most > table_bytes() ? most : table_bytes();
}

static long status_kib(const char *field) {
    static char text[8192];
    int fd = open("/proc/self/status", O_RDONLY);
    ssize_t size = read(fd, text, sizeof text - 1);
    close(fd);
    text[size > 0 ? size : 0] = '\0';
    const char *line = strstr(text, field);
    return line ? atol(line + strlen(field)) : 0;
}

static void forget_peak(void) {
    int fd = open("/proc/self/clear_refs", O_WRONLY);
    if (fd < 0 || write(fd, "5", 1) != 1)
        exit(77);
    close(fd);
}

static double clock_ms(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static int open_target(const char *path) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0) {
        perror(path);
        exit(1);
    }
    return fd;
}

static void dump_to(const char *path, unsigned kind) {
    int fd = open_target(path);
    if (heaptap_write_profile(fd, kind) != 0) {
        fputs("the profile was not written\n", stderr);
        exit(1);
    }
    close(fd);
}

/* Pages that this thread was the first to touch, and some of them twice, where it reads before it writes. The kernel's
 * own count of resident pages may be some hundred KiB behind. */
static long touched_kib(void) {
    struct rusage usage;
    getrusage(RUSAGE_THREAD, &usage);
    return usage.ru_minflt * (sysconf(_SC_PAGESIZE) / 1024);
}

static void measure_dumps(unsigned kind, int rounds, const char *path) {
    for (int i = 0; i < rounds; i++) {
        forget_peak();
        long before = status_kib("VmRSS:"), touched = touched_kib();
        double wall = clock_ms(CLOCK_MONOTONIC), processor = clock_ms(CLOCK_THREAD_CPUTIME_ID);
        dump_to(path, kind);
        processor = clock_ms(CLOCK_THREAD_CPUTIME_ID) - processor;
        wall = clock_ms(CLOCK_MONOTONIC) - wall;
        touched = touched_kib() - touched;
        printf("%.1f %.1f %ld %ld\n", processor, wall, touched, status_kib("VmHWM:") - before);
        fflush(stdout);
        (void)getchar();
    }
}

/* Sixteen slots to a doubling: a slot is at most 6% wide. */
enum { SLOTS_LOG = 4, SLOTS = 64 << SLOTS_LOG, LIVE = 4096 };

/* Nanoseconds: where others compute too, a thread loses its processor for much longer. */
enum { LONG_CALL = 20000 };

struct histogram {
    uint64_t slots[SLOTS], count;
    uint64_t preempted; /* calls that the processor was taken from; not in the slots */
};

static struct histogram histograms[2]; /* without a dump, and while one is written */
static int dumping;                    /* windows of the dumping thread */
static int finished;

static unsigned slot_of(uint64_t nanoseconds) {
    uint64_t value = nanoseconds | 1;
    int top = 63 - __builtin_clzll(value);
    if (top < SLOTS_LOG)
        return (unsigned)nanoseconds;
    return (unsigned)(top - SLOTS_LOG + 1) << SLOTS_LOG |
           (unsigned)(value >> (top - SLOTS_LOG) & ((1 << SLOTS_LOG) - 1));
}

static uint64_t slot_end(unsigned slot) {
    if (slot < 1u << SLOTS_LOG)
        return slot;
    uint64_t mantissa = (slot & ((1 << SLOTS_LOG) - 1)) | 1 << SLOTS_LOG;
    return (mantissa + 1) << ((slot >> SLOTS_LOG) - 1);
}

static void print_quantiles(const char *name, const struct histogram *histogram) {
    static const double quantiles[] = {0.5, 0.99, 0.999, 0.9999, 0.99999};
    printf("%s %lu %lu", name, (unsigned long)histogram->count, (unsigned long)histogram->preempted);
    for (size_t i = 0; i < sizeof quantiles / sizeof *quantiles; i++) {
        uint64_t seen = 0, wanted = (uint64_t)(quantiles[i] * (double)histogram->count);
        unsigned slot = 0;
        while (slot < SLOTS - 1 && (seen += histogram->slots[slot]) <= wanted)
            slot++;
        printf(" %lu", (unsigned long)slot_end(slot));
    }
    printf("\n");
}

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void pin(int which) {
    cpu_set_t allowed, one;
    sched_getaffinity(0, sizeof allowed, &allowed);
    CPU_ZERO(&one);
    for (int cpu = 0, seen = 0; cpu < CPU_SETSIZE; cpu++) {
        if (CPU_ISSET(cpu, &allowed) && seen++ == which)
            CPU_SET(cpu, &one);
    }
    if (CPU_COUNT(&one) == 0 || pthread_setaffinity_np(pthread_self(), sizeof one, &one) != 0)
        exit(77);
}

/* Was the processor taken from this thread since the last question? */
static bool was_preempted(void) {
    static long known;
    struct rusage usage;
    getrusage(RUSAGE_THREAD, &usage);
    bool more = usage.ru_nivcsw != known;
    known = usage.ru_nivcsw;
    return more;
}

static void count_call(struct histogram *histogram, uint64_t took) {
    if (took > LONG_CALL && was_preempted()) {
        histogram->preempted++;
        return;
    }
    histogram->slots[slot_of(took)]++;
    histogram->count++;
}

static void *allocate(void *unused) {
    static void *live[LIVE];
    uint64_t state = 1;
    pin(0);
    while (!__atomic_load_n(&finished, __ATOMIC_RELAXED)) {
        int window = __atomic_load_n(&dumping, __ATOMIC_ACQUIRE);
        struct histogram *histogram = &histograms[window];
        for (int i = 0; i < 256; i++) {
            state = hash(state + 1);
            void **slot = &live[state % LIVE];
            free(*slot);
            uint64_t start = now_ns();
            *slot = malloc(16 + (state >> 32) % 2000);
            uint64_t took = now_ns() - start;
            must(*slot);
            count_call(histogram, took);
        }
    }
    return unused;
}

/* Windows of a length in turn: a dump, and as long without one. */
static void measure_latency(unsigned kind, double seconds) {
    pthread_t thread;
    double end = clock_ms(CLOCK_MONOTONIC) + seconds * 1e3;
    pin(1);
    pthread_create(&thread, NULL, allocate, NULL);
    usleep(200000);
    memset(histograms, 0, sizeof histograms);
    while (clock_ms(CLOCK_MONOTONIC) < end) {
        double start = clock_ms(CLOCK_MONOTONIC);
        __atomic_store_n(&dumping, 1, __ATOMIC_RELEASE);
        dump_to("/dev/null", kind);
        __atomic_store_n(&dumping, 0, __ATOMIC_RELEASE);
        /* Without a dump this processor works too, so that both windows share what the two processors share. */
        double took = clock_ms(CLOCK_MONOTONIC) - start;
        start += took;
        while (clock_ms(CLOCK_MONOTONIC) < start + took)
            ;
    }
    __atomic_store_n(&finished, 1, __ATOMIC_RELEASE);
    pthread_join(thread, NULL);
    print_quantiles("quiet", &histograms[0]);
    print_quantiles("dumping", &histograms[1]);
}

int main(int argc, char **argv) {
    if (argc < 3 || !heaptap_version)
        return 2;
    uint32_t count = (uint32_t)strtoul(argv[2], NULL, 10);
    heaptap_set_mem_profile_rate(1);
    if (strcmp(argv[1], "make") == 0 && argc == 5) {
        long before = status_kib("VmRSS:");
        objects_each = (uint32_t)strtoul(argv[4], NULL, 10);
        uint64_t most = make_stacks(count, (uint32_t)strtoul(argv[3], NULL, 10) % MOST_THREADS);
        printf("%ld %ld %lu\n", before, status_kib("VmRSS:"), (unsigned long)most);
        return 0;
    }
    make_stacks(count - 1, 1);
    heaptap_set_mem_profile_rate(2); /* a profile of several rates takes more memory */
    make_stacks(1, 1);
    heaptap_set_mem_profile_rate(1);
    if (strcmp(argv[1], "dump") == 0 && argc == 6)
        measure_dumps((unsigned)strtoul(argv[3], NULL, 0), atoi(argv[4]), argv[5]);
    else if (strcmp(argv[1], "latency") == 0 && argc == 6) {
        heaptap_set_mem_profile_rate(strtoul(argv[4], NULL, 10));
        measure_latency((unsigned)strtoul(argv[3], NULL, 0), atof(argv[5]));
    } else
        return 2;
    return 0;
}
