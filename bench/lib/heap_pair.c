/* Writes two heap profiles of one program, the second one some time after the first: gzip'd profile.proto as Go writes
 * it, samples first and strings last, ids from 1. bench/heapdiff compares the readers of such files with it.
 *
 *   heap_pair SHAPE SAMPLES DEPTH FUNCTIONS OLD NEW
 *
 * Every function has SITES locations, which are its lines that call or allocate. SHAPE says what a stack is:
 *
 *   calls    a walk through a graph of calls: each function calls CALLEES others, the first one half of the times, the
 *            second one a quarter, and so on. Stacks share callers and edges as those of programs do
 *   random   every frame is any line of any function, so that there are nearly as many edges as frames, and nothing
 *            for gzip to find. No program is like that: it is the worst that a file of this size can be
 *
 * Of the stacks of the first profile one in ten is missing in the second, and as many are new there; of the others
 * half have other values. Values are what a sampler at 512 KiB estimates: a few objects of one size class. Everything
 * comes from one seeded generator, so the same arguments give the same bytes. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { SITES = 3, CALLEES = 8, ROOTS = 4, RATE = 512 * 1024, BUFFER_SIZE = 64 * 1024, VARINT_MAX = 10 };

struct shape {
    bool is_random;
    uint32_t samples, depth, functions;
};

/* A message, or a part of one, that grows. */
struct message {
    unsigned char *bytes;
    size_t used, room;
};

static uint64_t mix(uint64_t x) {
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

static uint64_t next_random(uint64_t *state) { return mix(*state += 0x9e3779b97f4a7c15u); }

static _Noreturn void fail(const char *what, const char *subject) {
    fprintf(stderr, "heap_pair: %s '%s'\n", what, subject);
    exit(1);
}

static void put_byte(struct message *message, unsigned byte) {
    if (message->used == message->room) {
        message->room = message->room * 2 + 256;
        message->bytes = realloc(message->bytes, message->room);
        if (!message->bytes)
            fail("out of memory for a", "message");
    }
    message->bytes[message->used++] = (unsigned char)byte;
}

static void put_varint(struct message *message, uint64_t value) {
    for (; value >= 0x80; value >>= 7)
        put_byte(message, (unsigned)value | 0x80);
    put_byte(message, (unsigned)value);
}

static void put_number(struct message *message, unsigned field, uint64_t value) {
    put_varint(message, field << 3);
    put_varint(message, value);
}

static void put_bytes(struct message *message, unsigned field, const void *bytes, size_t size) {
    put_varint(message, field << 3 | 2);
    put_varint(message, size);
    for (size_t i = 0; i < size; i++)
        put_byte(message, ((const unsigned char *)bytes)[i]);
}

/* Ends `part` as a field of `whole`. */
static void put_part(struct message *whole, unsigned field, struct message *part) {
    put_bytes(whole, field, part->bytes, part->used);
    part->used = 0;
}

/* The n-th callee of a function. Walks that come to the last function go on from it as from any other. */
static uint32_t callee(const struct shape *shape, uint32_t function, unsigned n) {
    return (uint32_t)(mix((uint64_t)function * CALLEES + n) % shape->functions);
}

/* The location ids of a stack, the leaf first. */
static void make_stack(const struct shape *shape, uint64_t seed, uint64_t *ids) {
    uint64_t state = seed;
    uint32_t function = (uint32_t)(next_random(&state) % ROOTS);
    for (uint32_t i = shape->depth; i-- > 0;) {
        uint64_t random = next_random(&state);
        unsigned n = (unsigned)__builtin_ctzll(random | 1u << (CALLEES - 1));
        if (shape->is_random) {
            function = (uint32_t)((random >> 32) % shape->functions);
            n = (unsigned)(random & 0xffff);
        }
        ids[i] = (uint64_t)function * SITES + n % SITES + 1;
        function = callee(shape, function, n);
    }
}

/* alloc_objects, alloc_space, inuse_objects, inuse_space and the size of the slots. */
static void make_values(uint64_t seed, uint64_t *values, uint64_t *slot) {
    static const uint16_t sizes[] = {16, 32, 48, 64, 96, 128, 256, 512, 1024, 4096, 8192, 32768};
    uint64_t random = mix(seed);
    *slot = sizes[random % (sizeof sizes / sizeof *sizes)];
    uint64_t weight = RATE / *slot + 1, sampled = (random >> 8 & 15) + 1, live = (random >> 16 & 15) % (sampled + 1);
    values[0] = sampled * weight;
    values[1] = values[0] * *slot;
    values[2] = live * weight;
    values[3] = values[2] * *slot;
}

static void put_packed(struct message *message, unsigned field, const uint64_t *numbers, size_t count) {
    struct message part = {0};
    for (size_t i = 0; i < count; i++)
        put_varint(&part, numbers[i]);
    put_part(message, field, &part);
    free(part.bytes);
}

enum { SAMPLE_TYPE = 1, SAMPLE, MAPPING, LOCATION, FUNCTION, STRING, TIME = 9, DURATION, PERIOD_TYPE, PERIOD };
enum { TEXT_BYTES = 9, TEXT_FIRST_NAME = 12 };
static const char *const texts[TEXT_FIRST_NAME] = {
    "",
    "alloc_objects",
    "count",
    "alloc_space",
    "bytes",
    "inuse_objects",
    "inuse_space",
    "space",
    "/opt/service",
    "bytes",
    "0123456789abcdef",
    "/srv/build/src/unit.cc",
};

static void put_head(struct message *out, bool is_new) {
    static const unsigned types[][2] = {{1, 2}, {3, 4}, {5, 2}, {6, 4}};
    struct message part = {0};
    for (size_t i = 0; i < 4; i++) {
        put_number(&part, 1, types[i][0]);
        put_number(&part, 2, types[i][1]);
        put_part(out, SAMPLE_TYPE, &part);
    }
    put_number(&part, 1, 7);
    put_number(&part, 2, 4);
    put_part(out, PERIOD_TYPE, &part);
    put_number(out, PERIOD, RATE);
    put_number(out, TIME, 1700000000000000000u + (is_new ? 300000000000u : 0));
    put_number(&part, 1, 1);
    put_number(&part, 2, 0x400000);
    put_number(&part, 3, 0x40000000);
    put_number(&part, 5, 8);
    put_number(&part, 6, 10);
    put_number(&part, 7, 1);
    put_part(out, MAPPING, &part);
    free(part.bytes);
}

static void put_sample(struct message *out, const struct shape *shape, uint64_t stack_seed, uint64_t value_seed,
                       uint64_t *ids) {
    struct message part = {0}, label = {0};
    uint64_t values[4], slot;
    make_stack(shape, stack_seed, ids);
    make_values(value_seed, values, &slot);
    put_packed(&part, 1, ids, shape->depth);
    put_packed(&part, 2, values, 4);
    put_number(&label, 1, TEXT_BYTES);
    put_number(&label, 3, slot);
    put_part(&part, 3, &label);
    put_part(out, SAMPLE, &part);
    free(part.bytes);
    free(label.bytes);
}

static void put_function(struct message *out, uint32_t function) {
    struct message part = {0};
    put_number(&part, 1, function + 1);
    put_number(&part, 2, TEXT_FIRST_NAME + function);
    put_number(&part, 3, TEXT_FIRST_NAME + function);
    put_number(&part, 4, 11);
    put_number(&part, 5, function % 5000 + 1);
    put_part(out, FUNCTION, &part);
    free(part.bytes);
}

static void put_location(struct message *out, uint32_t location) {
    struct message part = {0}, line = {0};
    put_number(&line, 1, location / SITES + 1);
    put_number(&line, 2, location / SITES % 5000 + location % SITES * 7 + 1);
    put_number(&part, 1, location + 1);
    put_number(&part, 2, 1);
    put_number(&part, 3, 0x400000 + (uint64_t)location * 48);
    put_part(&part, 4, &line);
    put_part(out, LOCATION, &part);
    free(part.bytes);
    free(line.bytes);
}

static void flush(gzFile file, struct message *message, const char *path) {
    if (message->used && gzwrite(file, message->bytes, (unsigned)message->used) != (int)message->used)
        fail("cannot write", path);
    message->used = 0;
}

static void write_names(gzFile file, struct message *out, const struct shape *shape, const char *path) {
    static const char *const verbs[] = {"find", "insert", "parse", "encode", "release", "update", "visit"};
    char name[128];
    for (uint32_t i = 0; i < TEXT_FIRST_NAME; i++)
        put_bytes(out, STRING, texts[i], strlen(texts[i]));
    for (uint32_t i = 0; i < shape->functions; i++) {
        int length = snprintf(name, sizeof name, "service::part_%u::Store<std::string>::%s_%" PRIu32,
                              (unsigned)(mix(i) % 97), verbs[mix(i + 1) % 7], i);
        put_bytes(out, STRING, name, (size_t)length);
        if (out->used > BUFFER_SIZE)
            flush(file, out, path);
    }
}

static void write_profile(const struct shape *shape, bool is_new, const char *path) {
    gzFile file = gzopen(path, "wb1");
    struct message out = {0};
    uint64_t *ids = calloc(shape->depth, sizeof *ids);
    if (!file || !ids)
        fail("cannot create", path);
    gzbuffer(file, BUFFER_SIZE);
    put_head(&out, is_new);
    for (uint32_t i = 0; i < shape->samples; i++) {
        bool is_replaced = is_new && i % 10 == 3, is_changed = is_new && i % 2 == 0;
        put_sample(&out, shape, mix(i) + is_replaced, mix(i) + 2 + is_changed, ids);
        if (out.used > BUFFER_SIZE)
            flush(file, &out, path);
    }
    for (uint32_t i = 0; i < shape->functions * SITES; i++) {
        put_location(&out, i);
        if (out.used > BUFFER_SIZE)
            flush(file, &out, path);
    }
    for (uint32_t i = 0; i < shape->functions; i++) {
        put_function(&out, i);
        if (out.used > BUFFER_SIZE)
            flush(file, &out, path);
    }
    write_names(file, &out, shape, path);
    flush(file, &out, path);
    if (gzclose(file) != Z_OK)
        fail("cannot write", path);
    free(ids);
    free(out.bytes);
}

static uint32_t parse_count(const char *text) {
    char *end;
    unsigned long count = strtoul(text, &end, 10);
    if (*end || count < 1 || count > 100000000)
        fail("bad number", text);
    return (uint32_t)count;
}

int main(int argc, char **argv) {
    if (argc != 7 || (strcmp(argv[1], "calls") != 0 && strcmp(argv[1], "random") != 0)) {
        fprintf(stderr, "usage: heap_pair calls|random SAMPLES DEPTH FUNCTIONS OLD NEW\n");
        return 2;
    }
    struct shape shape = {strcmp(argv[1], "random") == 0, parse_count(argv[2]), parse_count(argv[3]),
                          parse_count(argv[4])};
    write_profile(&shape, false, argv[5]);
    write_profile(&shape, true, argv[6]);
    return 0;
}
