/* A block that can be checked by whoever finds it: it carries its size and a seed, and its bytes follow from
 * them. */
#ifndef HEAPTAP_TESTS_STRESS_BLOCK_H
#define HEAPTAP_TESTS_STRESS_BLOCK_H

#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/support/expect.h"

struct block {
    uint64_t size; /* bytes of `data` */
    uint64_t seed;
    unsigned char data[];
};

static inline uint64_t stress_random(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Mostly small, some in every size class, a few large. */
static inline size_t stress_size(uint64_t *state) {
    uint64_t x = stress_random(state);
    if (x % 1000 == 0)
        return (x >> 20) % 500000;
    return (x >> 20) % (x % 10 ? 400 : 30000);
}

static inline void block_fill(struct block *block, size_t size, uint64_t seed) {
    block->size = size;
    block->seed = seed;
    /* The two ends of a large block, all of a small one. */
    memset(block->data, (int)seed, size < 2000 ? size : 1000);
    if (size >= 2000)
        memset(block->data + size - 1000, (int)seed + 1, 1000);
}

static inline struct block *block_new(uint64_t *state) {
    size_t size = stress_size(state), whole = sizeof(struct block) + size;
    uint64_t kind = stress_random(state) % 16;
    struct block *block = kind == 0   ? calloc(1, whole)
                          : kind == 1 ? memalign((size_t)16 << (*state % 6), whole)
                                      : malloc(whole);
    EXPECT(block != NULL);
    if (!block)
        exit(1);
    block_fill(block, size, stress_random(state));
    return block;
}

static inline void block_check(const struct block *block) {
    size_t size = block->size, first = size < 2000 ? size : 1000;
    int wrong = size > 500000;
    for (size_t i = 0; i < first && !wrong; i += 1 + i / 64)
        wrong = block->data[i] != (unsigned char)block->seed;
    if (size >= 2000)
        for (size_t i = size - 1000; i < size && !wrong; i += 7)
            wrong = block->data[i] != (unsigned char)(block->seed + 1);
    if (wrong) {
        EXPECT(!"the block is whole");
        _exit(1);
    }
}

static inline void block_free(struct block *block) {
    if (!block)
        return;
    block_check(block);
    memset(block, 0xdd, sizeof *block);
    free(block);
}

/* Another size for a block that another thread may have allocated. What is under both sizes must be kept. */
static inline struct block *block_resize(struct block *block, uint64_t *state) {
    block_check(block);
    size_t old = block->size, size = stress_size(state);
    unsigned char first = (unsigned char)block->seed;
    block = realloc(block, sizeof *block + size);
    EXPECT(block != NULL && block->size == old);
    for (size_t i = 0; i < size && i < old && i < 1000; i += 5)
        EXPECT(block->data[i] == first);
    block_fill(block, size, stress_random(state));
    return block;
}

/* Seconds from the command line, as a time to stop at. */
static inline double stress_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static inline double stress_deadline(int argc, char **argv) { return stress_now() + (argc > 1 ? atof(argv[1]) : 2); }

#endif
