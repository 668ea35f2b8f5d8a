/* What the workloads share: the scale, seeded random numbers, sizes by a power law, and objects that are used as
 * programs use theirs: written when they are made, read before they are freed.
 *
 * A workload does the same work for every allocator: what it does depends on its seed and its scale alone, never on
 * addresses or time. It prints one number made of what it read, which has to be the same for all. */
#ifndef HEAPTAP_BENCH_WORKLOAD_H
#define HEAPTAP_BENCH_WORKLOAD_H

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How many times to do something that is done `usual` times at scale 1: the first argument is the scale. */
static inline size_t workload_times(int argc, char **argv, size_t usual) {
    double scale = argc > 1 ? atof(argv[1]) : 1;
    double times = scale > 0 ? (double)usual * scale : 0;
    return times < 1 ? 1 : (size_t)times;
}

static inline int workload_end(uint64_t sum) { return printf("%llu\n", (unsigned long long)sum) > 0 ? 0 : 1; }

static inline void *workload_must(void *p) {
    if (!p) {
        fputs("out of memory\n", stderr);
        exit(1);
    }
    return p;
}

/* xorshift64*: a few instructions, so that what is measured is the allocator. */
struct random {
    uint64_t state;
};

static inline struct random random_seeded(uint64_t seed) {
    return (struct random){(seed + 1) * 0x9e3779b97f4a7c15u | 1};
}

static inline uint32_t random_next(struct random *random) {
    uint64_t x = random->state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    random->state = x;
    return (uint32_t)((x * 0x2545f4914f6cdd1du) >> 32);
}

static inline uint32_t random_below(struct random *random, uint32_t n) {
    return (uint32_t)(((uint64_t)random_next(random) * n) >> 32);
}

/* Values between least and most with P(value > v) ~ v^-exponent, as a table of quantiles: a draw is one load. */
enum { POWER_LAW_QUANTILES = 4096 };

struct power_law {
    size_t quantiles[POWER_LAW_QUANTILES];
};

static inline void power_law_init(struct power_law *law, double least, double most, double exponent) {
    for (int i = 0; i < POWER_LAW_QUANTILES; i++) {
        double u = (i + 0.5) / POWER_LAW_QUANTILES;
        double value = least * pow(1 - u * (1 - pow(least / most, exponent)), -1 / exponent);
        law->quantiles[i] = (size_t)value;
    }
}

static inline size_t power_law_draw(const struct power_law *law, struct random *random) {
    return law->quantiles[random_next(random) % POWER_LAW_QUANTILES];
}

/* Writes the first line of an object, or what there is of it, and its last byte. */
static inline void *object_use(void *p, size_t size, uint64_t tag) {
    memset(workload_must(p), (int)(tag & 0xff), size < 64 ? size : 64);
    ((unsigned char *)p)[size - 1] = (unsigned char)tag;
    return p;
}

static inline void *object_new(size_t size, uint64_t tag) { return object_use(malloc(size), size, tag); }

/* Both ends of an object: what goes into the sum. */
static inline uint64_t object_read(const void *p, size_t size) {
    const unsigned char *bytes = (const unsigned char *)p;
    return bytes[0] + 3u * bytes[size - 1];
}

static inline uint64_t object_end(void *p, size_t size) {
    uint64_t read = object_read(p, size);
    free(p);
    return read;
}

#endif
