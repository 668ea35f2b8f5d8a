/* The buckets as rows of a profile: one row for each (stack, slot size, labels), summed over owners and rates, in
 * doubles that nobody has rounded yet. Of now or of the high-water mark; of now also by age.
 *
 * Memory beyond the tables', from the region: none while all buckets have one owner and rate, about 12 bytes a bucket
 * else; 16 for the high-water mark; 36 for ages and the largest shard of the live table. */
#ifndef HEAPTAP_PROFILER_TALLY_H
#define HEAPTAP_PROFILER_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/region.h"
#include "profiler/bucket.h"
#include "profiler/live.h"

enum tally_kind { TALLY_NOW, TALLY_PEAK, TALLY_AGES };

enum { TALLY_NO_AGE = -1 };

struct tally_row {
    uint32_t stack, labels;
    uint64_t slot_size;
    int64_t age; /* seconds that every object of the row has lived at least, or TALLY_NO_AGE */
    double alloc_objects, inuse_objects;
};

struct tally {
    struct bucket_table *buckets;
    uint32_t count; /* of the buckets that are in it */
    uint32_t id;    /* of the row, and which part of it comes next */
    unsigned part;
    uint32_t
        *next; /* owners or rates are mixed: the next of the same row, and whether it is not the first; else NULL */
    struct bucket_peak *peak; /* or NULL */
    uint32_t *ages;           /* live samples by bucket and age, or NULL */
};

/* `now`: what births in `live` are counted back from. False without memory. */
bool tally_begin(struct tally *tally, enum tally_kind kind, struct bucket_table *buckets, struct live_table *live,
                 uint32_t now, struct region *region);
/* False after the last row. Rows of which nothing was ever allocated are left out. */
bool tally_next(struct tally *tally, struct tally_row *row);

#endif
