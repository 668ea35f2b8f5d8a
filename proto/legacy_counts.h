/* The numbers of the text profiles: the head line, the counts of a stack, its addresses, and what a sampled
 * count stands for. Pure functions of one line; nothing is allocated. */
#ifndef HEAPTAP_PROTO_LEGACY_COUNTS_H
#define HEAPTAP_PROTO_LEGACY_COUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A piece of a line that is walked from its front. */
struct legacy_text {
    const char *next, *end;
};

enum legacy_dialect {
    LEGACY_PPROF,    /* gperftools, Go: one line a stack, counts and addresses */
    LEGACY_JEMALLOC, /* addresses on one line, counts of all threads and of each on those after it */
};

struct legacy_head {
    enum legacy_dialect dialect;
    bool is_sampled; /* counts are of the samples and stand for more */
    bool has_allocs; /* the numbers in brackets say something */
    int64_t period;  /* mean bytes between samples; 1 = all are recorded; 0 = not said */
};

/* One side of "n: b [N: B]": objects and bytes. */
struct legacy_pair {
    int64_t objects, bytes;
};

struct legacy_counts {
    struct legacy_pair inuse, alloc;
};

enum legacy_result { LEGACY_OK, LEGACY_ABSENT, LEGACY_TOO_LARGE };

/* Whether a file that begins so is one of these. `size` is at least LEGACY_MAGIC_SIZE, or the whole file. */
enum { LEGACY_MAGIC_SIZE = 13 };
bool legacy_is_head(const void *bytes, size_t size);

/* The first line. jemalloc's says nothing of allocations: has_allocs is false. */
bool legacy_read_head(struct legacy_text line, struct legacy_head *head);

/* "n: b [N: B] @ ", wherever it begins in the line; `line` is at the addresses afterwards. */
enum legacy_result legacy_find_counts(struct legacy_text *line, struct legacy_counts *counts);
/* "n: b [N: B]" of jemalloc, where no number is negative. */
enum legacy_result legacy_read_counts(struct legacy_text *line, struct legacy_counts *counts);

/* The next "0x..." of a line of addresses; LEGACY_ABSENT at its end. */
enum legacy_result legacy_next_address(struct legacy_text *line, uint64_t *address);

/* Bytes of one object on average, in whole bytes; 0 where there is none. */
int64_t legacy_mean_size(struct legacy_pair pair);

/* What the pair stands for when objects are sampled with probability 1 - e^(-size/period), with the mean size
 * for size. To the next integer, or down to it as pprof does. False when that is no 64-bit integer. */
bool legacy_scale(struct legacy_pair *pair, int64_t period, bool is_rounded);

#endif
