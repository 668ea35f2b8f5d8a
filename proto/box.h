/* The file of the black box (docs/blackbox.md): the profiler's tables in a shared file mapping, so that the kernel
 * keeps them when the process is killed. profiler/blackbox.c writes it, proto/box_reader.c reads it; this header is in
 * proto, the layer of file formats, because both may include that.
 *
 *   | header, 64 KiB | seals | stacks | buckets | labels | rows | text |
 *
 * Offsets and lengths of the regions are fixed when the file is made; the file is sparse, and of each region the first
 * `ready` bytes are backed. What lies in the regions are the tables themselves, in the machine's own byte order.
 *
 * Every record that does not change any more is sealed: a checksum of its contents is appended to the region of seals,
 * after the record was written and before anything refers to it. A record without a seal does not count. What does
 * change are two counters of each bucket, and the header has their sums. A seal's checksum covers its own place and the
 * key of the file, so that a page of another place or another file is not taken for this one's. */
#ifndef HEAPTAP_PROTO_BOX_H
#define HEAPTAP_PROTO_BOX_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/bits.h"

#define BOX_MAGIC  UINT64_C(0x0a786f4270615468) /* "hTapBox\n" */
#define BOX_OPEN   UINT64_C(0x6e65706f6e65706f)
#define BOX_CLOSED UINT64_C(0x6465736f6c636f6e)

enum {
    BOX_VERSION = 1,
    BOX_ALIGNMENT = 64 * 1024, /* of regions, and what they grow by: a multiple of every page size */
    BOX_HEADER_BYTES = BOX_ALIGNMENT,
    BOX_TEXT_BYTES = 16 * 1024,
    BOX_GENERATION_BITS = 24,
};

enum box_region_id { BOX_NOWHERE, BOX_SEALS, BOX_STACKS, BOX_BUCKETS, BOX_LABELS, BOX_ROWS, BOX_TEXT, BOX_REGIONS };

struct box_region {
    uint64_t offset, reserved; /* in the file; multiples of BOX_ALIGNMENT */
    uint64_t base;             /* its address in the process: rows point into the text */
};

/* Written once, before the magic. */
struct box_identity {
    uint32_t version, page_size;
    uint32_t bucket_bytes, row_bytes;
    uint64_t key; /* random; seals and beats are made with it */
    int64_t pid;
    uint64_t process_start; /* as in /proc/PID/stat: tells an earlier program of this very process */
    int64_t start_nanos;    /* wall clock */
    char boot[40];          /* /proc/sys/kernel/random/boot_id */
    struct box_region regions[BOX_REGIONS];
    uint64_t check; /* of all before */
};

/* What a thread of the library writes each second: the comments of a profile, the exact totals among them. Texts are
 * terminated by zeros: first the names of frames to drop (may be empty), then the comments. */
struct box_beat {
    _Atomic uint64_t check; /* 0 while it is being written */
    uint64_t number;
    int64_t time_nanos; /* wall clock */
    uint64_t rate;
    uint64_t threads; /* of the process */
    uint64_t length;
    char text[BOX_TEXT_BYTES];
};

struct box_header {
    _Atomic uint64_t magic;
    struct box_identity identity;
    _Alignas(64) _Atomic uint64_t state;
    _Atomic uint64_t ready[BOX_REGIONS];   /* bytes; grow only */
    _Atomic uint64_t unsealed_retirements; /* generations of stacks and rows that found no room for their seal */
    _Alignas(64) _Atomic uint64_t samples; /* any thread, after it has counted in a bucket */
    _Alignas(64) _Atomic uint64_t freed;   /* the same of frees */
    _Alignas(64) _Atomic uint64_t seals;   /* places taken; before a seal is written */
    _Alignas(64) struct box_beat beats[2]; /* the one with the higher number counts */
};

static_assert(sizeof(struct box_header) <= BOX_HEADER_BYTES, "the header has its place");

enum box_kind {
    BOX_STACK = 1,     /* id: first word in the region */
    BOX_BUCKET,        /* id: from 1 */
    BOX_LABEL_SET,     /* id: first word in the region */
    BOX_ROW,           /* id: from 0 */
    BOX_STACK_RETIRED, /* with its generation */
    BOX_ROW_RETIRED,
    BOX_KINDS
};

struct box_seal {
    _Atomic uint64_t what;  /* box_what; 0 = not written yet */
    _Atomic uint64_t check; /* 0 = not written yet; stored last (release) */
};

static inline uint64_t box_what(enum box_kind kind, uint32_t generation, uint32_t id) {
    return (uint64_t)kind << 56 | (uint64_t)(generation & ((1u << BOX_GENERATION_BITS) - 1)) << 32 | id;
}

/* The records, as the tables of the profiler lay them out (static_asserts in profiler/blackbox.c). A stack is a word
 * `retired << 32 | count` and `count` frames; a label set a word with its bytes, and the text padded to words. */
struct box_bucket {
    uint32_t stack, labels, kept, reserved;
    uint64_t slot_size, rate, weight;
    _Atomic uint64_t allocs, frees, asked;
};

struct box_row {
    uint64_t start, limit, offset;
    uint64_t filename; /* address: base of the text and an offset in it */
    char build_id[65];
    uint32_t retired;
};

static_assert(sizeof(struct box_bucket) == 64 && sizeof(struct box_row) == 104, "the same on every machine");

/* Each step is a bijection of the state for a given word, and of the word for a given state: one changed word always
 * changes the result. */
static inline uint64_t box_mix(uint64_t hash, uint64_t word) {
    return hash64(hash ^ word) + UINT64_C(0x9e3779b97f4a7c15);
}

static inline uint64_t box_hash(uint64_t hash, const void *bytes, size_t size) {
    const char *next = bytes;
    hash = box_mix(hash, size);
    while (size) {
        uint64_t word = 0;
        size_t part = size < sizeof word ? size : sizeof word;
        memcpy(&word, next, part);
        hash = box_mix(hash, word);
        next += part;
        size -= part;
    }
    return hash;
}

static inline uint64_t box_hash_stack(const uint64_t *frames, uint32_t count) {
    return box_hash(BOX_STACK, frames, count * sizeof *frames);
}

static inline uint64_t box_hash_bucket(uint32_t stack, uint32_t labels, uint64_t slot_size, uint64_t rate) {
    return box_mix(box_mix(box_mix(BOX_BUCKET, (uint64_t)labels << 32 | stack), slot_size), rate);
}

static inline uint64_t box_hash_labels(const char *text, uint64_t size) { return box_hash(BOX_LABEL_SET, text, size); }

/* `filename` is its text; both texts are terminated. */
static inline uint64_t box_hash_row(const struct box_row *row, const char *filename) {
    uint64_t hash = box_mix(box_mix(box_mix(BOX_ROW, row->start), row->limit), row->offset);
    hash = box_mix(hash, row->filename);
    return box_hash(box_hash(hash, row->build_id, strlen(row->build_id)), filename, strlen(filename));
}

/* Never 0. */
static inline uint64_t box_seal_check(uint64_t key, uint64_t place, uint64_t what, uint64_t content) {
    uint64_t check = box_mix(box_mix(box_mix(key, place), what), content);
    return check ? check : 1;
}

static inline uint64_t box_identity_check(const struct box_identity *identity) {
    return box_hash(BOX_MAGIC, identity, offsetof(struct box_identity, check));
}

static inline uint64_t box_beat_check(const struct box_beat *beat, uint64_t key) {
    size_t from = offsetof(struct box_beat, number);
    uint64_t length = beat->length < BOX_TEXT_BYTES ? beat->length : BOX_TEXT_BYTES;
    uint64_t check = box_hash(key, (const char *)beat + from, offsetof(struct box_beat, text) - from + length);
    return check ? check : 1;
}

#endif
