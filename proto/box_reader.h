/* Reads a black box (proto/box.h) and believes nothing of it that does not check: what it hands out are records whose
 * seals are right, and counters that add up to the sums of the header. Hostile input is expected. */
#ifndef HEAPTAP_PROTO_BOX_READER_H
#define HEAPTAP_PROTO_BOX_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/region.h"
#include "proto/box.h"
#include "proto/error.h"

struct box {
    struct region region; /* all of the following */
    struct box_header *header;
    const struct box_beat *beat; /* the last one */
    char *data[BOX_REGIONS];     /* the first ready[i] bytes of each region */
    size_t ready[BOX_REGIONS];
    unsigned char *sealed[BOX_KINDS]; /* by id, a bit each */
    uint32_t row_count;               /* rows 0 to row_count - 1 are sealed, without a gap */
    uint64_t samples;                 /* of all buckets */
    bool is_closed;                   /* the process ended by itself */
};

/* `boot`: the boot id of this machine; a box that was not closed must be of it, since pages of a file may be old after
 * a crash of the machine. NULL: the file is a copy, believe it. False, *error, and nothing to free. */
bool box_read(int fd, const char *boot, struct box *box, struct proto_error *error);
void box_free(struct box *box);

/* Ids from 1 to box_bucket_limit() - 1; NULL for one that no seal vouches for. */
const struct box_bucket *box_bucket(const struct box *box, uint32_t id);
uint32_t box_bucket_limit(const struct box *box);

struct box_stack {
    const uint64_t *frames; /* return addresses, the leaf first */
    uint32_t count;
    uint32_t retired; /* generation, 0 = in use */
};

/* Of a bucket of the box. */
struct box_stack box_stack(const struct box *box, uint32_t id);

/* "key\0value\0..."; size 0 for the empty set. */
const char *box_labels(const struct box *box, uint32_t id, size_t *size);

const struct box_row *box_row(const struct box *box, uint32_t index);
const char *box_row_filename(const struct box *box, uint32_t index);

/* The row that `address` belonged to (profiler/mapping.h); UINT32_MAX where there is none. */
uint32_t box_find_row(const struct box *box, uint64_t address, uint32_t retired);

#endif
